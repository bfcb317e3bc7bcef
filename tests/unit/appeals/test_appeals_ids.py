from uuid import UUID

from appeals.service import new_id


def test_ids_are_version_7_and_in_the_order_of_creation() -> None:
    made = [new_id() for _ in range(100)]
    assert sorted(set(made)) == made
    assert {UUID(one).version for one in made} == {7}
