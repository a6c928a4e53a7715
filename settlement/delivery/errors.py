from accounts.errors import DomainError, InvalidInput


class NotThatState(DomainError):
    """A delivery cannot go from its state to the one reported."""

    code = "not_that_state"


class BadReading(InvalidInput):
    """A meter's reading does not fit its contract; the sentence says why."""

    code = "bad_reading"


class RevisionUsed(DomainError):
    """The same revision was already reported with another figure."""

    code = "revision_used"


class DisputeRefused(DomainError):
    """The dispute cannot be opened, answered or decided so; the sentence says why."""

    code = "dispute_refused"
