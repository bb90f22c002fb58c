from hypothesis import given, settings
from hypothesis import strategies as st

from sluice.producer.batches import MAX_RECORD_BYTES, MAX_RECORDS, MAX_REQUEST_BYTES, Batch, batches


def carried(found: list[Batch]) -> list[object]:
    return [record for batch in found for record in batch.records]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.one_of(st.none(), st.tuples(st.text(min_size=1, max_size=5), st.integers(0, MAX_RECORD_BYTES)))
    )
)
def test_batches_keep_order_and_every_limit(sizes: list[tuple[str, int] | None]) -> None:
    # One shared buffer: a megabyte per record would only test the memory.
    blob = memoryview(bytes(MAX_RECORD_BYTES))
    records = [None if size is None else (size[0], blob[: size[1]]) for size in sizes]
    found = list(batches(records))  # type: ignore[arg-type]  # a view has a length like bytes, at no cost
    fitting = [r for r in records if r and len(r[0].encode()) + len(r[1]) <= MAX_RECORD_BYTES]
    assert carried(found) == fitting
    assert sum(batch.refused for batch in found) == len([r for r in records if r]) - len(fitting)
    for batch in found:
        assert len(batch.records) <= MAX_RECORDS
        assert batch.size == sum(len(key.encode()) + len(data) for key, data in batch.records)
        assert batch.size <= MAX_REQUEST_BYTES


def test_a_batch_holds_500_records_and_the_rest_follows() -> None:
    found = list(batches([("key", b"x")] * 1201))
    assert [len(batch.records) for batch in found] == [500, 500, 201]


def test_a_pause_of_the_source_sends_what_was_gathered() -> None:
    found = list(batches([("a", b"1"), None, ("b", b"2"), None, None]))
    assert [batch.records for batch in found] == [[("a", b"1")], [("b", b"2")]]


def test_a_record_of_exactly_one_mebibyte_with_its_key_is_sent_and_one_byte_more_is_refused() -> None:
    (batch,) = batches([("key", bytes(MAX_RECORD_BYTES - 3)), ("key", bytes(MAX_RECORD_BYTES - 2))])
    assert len(batch.records) == 1
    assert batch.refused == 1


def test_an_empty_record_is_a_record() -> None:
    (batch,) = batches([("key", b"")])
    assert batch.records == [("key", b"")]
