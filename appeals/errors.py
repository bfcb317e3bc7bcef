"""Why the register refuses a command. Codes are stable: exit codes, problem+json and translations hang on them."""

from collections.abc import Sequence
from typing import ClassVar


class RegisterError(Exception):
    """A command was refused and nothing has changed. ``code`` says why, ``parameters`` about what."""

    code: ClassVar[str] = "refused"

    def __init__(self, message: str, **parameters: object) -> None:
        super().__init__(message)
        self.parameters = parameters


class NoSuchAppealError(RegisterError):
    """There is no such appeal, or none that the actor may know of."""

    code = "no_such_appeal"

    def __init__(self, appeal_id: str) -> None:
        super().__init__(f"there is no appeal {appeal_id}", appeal_id=appeal_id)


class NoSuchDutyError(RegisterError):
    """There is no such duty, or none that the actor may know of."""

    code = "no_such_duty"

    def __init__(self, duty_id: str) -> None:
        super().__init__(f"there is no duty {duty_id}", duty_id=duty_id)


class UnknownReferenceError(RegisterError):
    """The reference data has nothing of this code."""

    code = "unknown_reference"

    def __init__(self, kind: str, value: str) -> None:
        super().__init__(f"there is no {kind} {value!r} in the reference data", kind=kind, value=value)


class IllegalTransitionError(RegisterError):
    """The appeal is not in a state for this. ``allowed``: the actions it allows, and the roles that may take them."""

    code = "illegal_transition"

    def __init__(self, action: str, status: str, allowed: Sequence[tuple[str, Sequence[str]]]) -> None:
        names = ", ".join(f"{name} ({'/'.join(roles)})" for name, roles in allowed) or "nothing"
        super().__init__(
            f"cannot {action} an appeal that is {status}; allowed: {names}",
            action=action,
            status=status,
            allowed=[{"action": name, "roles": list(roles)} for name, roles in allowed],
        )


class RoleError(RegisterError):
    """The actor's roles do not allow it."""

    code = "not_your_role"

    def __init__(self, action: str, roles: Sequence[str]) -> None:
        super().__init__(f"{action} is for: {', '.join(roles)}", action=action, roles=list(roles))


class GuardError(RegisterError):
    """A rule stands against it. ``guard`` is the rule's own stable code."""

    code = "guard"

    def __init__(self, guard: str, message: str, **parameters: object) -> None:
        super().__init__(message, guard=guard, **parameters)
        self.guard = guard


class ChangedMeanwhileError(RegisterError):
    """Somebody else has changed it since it was read."""

    code = "changed_meanwhile"

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(
            f"it has changed since you read it (version {expected}, now {found}); read it again",
            expected=expected,
            found=found,
        )
