class DomainError(Exception):
    """A refusal with a sentence that tells the user what to do. `code` is stable, for programs."""

    code = "refused"
    status = 409


class NotAllowed(DomainError):
    """The actor's role or key does not permit this."""

    code = "not_allowed"
    status = 403


class InvalidInput(DomainError):
    """What was given cannot be used as it stands."""

    code = "invalid"
    status = 422
