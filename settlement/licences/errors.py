from accounts.errors import DomainError, InvalidInput


class LicenceExpired(DomainError):
    code = "licence_expired"


class LicenceSuspended(DomainError):
    code = "licence_suspended"


class LicenceRevoked(DomainError):
    code = "licence_revoked"


class NotALicence(DomainError):
    """The contract grants no licence: it is one of compute, or was terminated."""

    code = "not_a_licence"


class NoSeatFree(DomainError):
    """Every seat is taken by another machine."""

    code = "no_seat_free"


class NotActivated(DomainError):
    """This machine holds no seat."""

    code = "not_activated"


class OutsideTerritory(DomainError):
    """The plan's territory does not include the place."""

    code = "outside_territory"
    status = 403


class DataMayNotLeave(DomainError):
    """The algorithm's data may not go to the place, or to the licensee."""

    code = "data_may_not_leave"
    status = 403


class QuotaExceeded(DomainError):
    """More calls were reported than the quota has left."""

    code = "quota_exceeded"


class RequestIdUsed(InvalidInput):
    """The request id came before, with another number of calls."""

    code = "request_id_used"


class LinkRefused(DomainError):
    """The download link was changed, or has expired."""

    code = "link_refused"
    status = 403


class WrongStanding(DomainError):
    """The licence is not in the state that this step begins from."""

    code = "wrong_standing"
