"""The one thing `Contract.decode` raises: why a record is not an event of this contract."""


class ContractViolation(Exception):  # noqa: N818 - a refused record is an outcome, not an error of the program
    """A record that the contract refuses.

    Attributes:
        reason: a sentence for a person; names fields and types, never the values that the record carries.
        field: where in the event, e.g. `items[2].price`; None when the record is no event at all.
        type: the event type that the record claims to be, when it could be read and the contract knows it.
    """

    def __init__(self, reason: str, field: str | None = None, type: str | None = None) -> None:  # noqa: A002 - the field's own word
        super().__init__(reason)
        self.reason = reason
        self.field = field
        self.type = type

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.reason, self.field, self.type)
