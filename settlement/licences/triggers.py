"""What the database keeps of licences whatever the code does."""

import pgtrigger

# The partial unique constraint lets a seat be taken once; this lets there be no seat past the last.
SEAT_OF_ITS_LICENCE = pgtrigger.Trigger(
    name="seat_of_its_licence",
    operation=pgtrigger.Insert,
    when=pgtrigger.Before,
    declare=[("most", "integer")],
    func="""
        SELECT seats INTO most FROM licences_licence WHERE id = NEW.licence_id;
        IF NEW.seat > most THEN
            RAISE EXCEPTION 'licence % has % seats, not %', NEW.licence_id, most, NEW.seat
                USING ERRCODE = 'check_violation', CONSTRAINT = 'seat_of_its_licence';
        END IF;
        RETURN NEW;
    """,
)
