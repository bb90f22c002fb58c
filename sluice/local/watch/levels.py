"""What is a level rather than an event, measured at the end of each minute: how much lies in queues.

By the SQS developer guide ("Available CloudWatch metrics for Amazon SQS"). The service says nothing of a
queue that nobody has used for six hours; here every queue is measured always.
"""

from collections.abc import Callable
from typing import Any

from moto.sqs.models import sqs_backends

from sluice.local.aws_kinesis import ACCOUNT
from sluice.local.watch.store import MetricStore

NAMESPACE = "AWS/SQS"


def queues(store: MetricStore) -> Callable[[float], None]:
    """A sampler of all queues: told a moment within the minute that is over, it measures them now."""

    def sample(moment: float) -> None:
        for backend in list(sqs_backends[ACCOUNT].values()):
            for name, queue in list(backend.queues.items()):
                _measure(store, name, queue, moment)

    return sample


def _measure(store: MetricStore, name: str, queue: Any, moment: float) -> None:
    messages = list(queue.sluice_messages)
    visible = sum(1 for _ in queue.sluice_messages.visible())
    delayed = sum(1 for each in messages if each.delayed_until > moment * 1000)
    sent = [each.sent_timestamp / 1000 for each in messages]
    figures = {
        "ApproximateNumberOfMessagesVisible": (visible, "Count"),
        "ApproximateNumberOfMessagesDelayed": (delayed, "Count"),
        "ApproximateNumberOfMessagesNotVisible": (max(0, len(messages) - visible - delayed), "Count"),
        "ApproximateAgeOfOldestMessage": (max(0.0, moment - min(sent, default=moment)), "Seconds"),
    }
    for figure, (value, unit) in figures.items():
        key = (NAMESPACE, figure, (("QueueName", name),))
        store.add(key, float(value), moment, unit=unit)


def counting(
    store: MetricStore, add_message: Callable[[Any, Any], None], age: Callable[[str], float]
) -> Callable[[Any, Any], None]:
    """How a queue takes a message, with NumberOfMessagesSent counted; `age` makes it older, by the queue."""

    def add(queue: Any, message: Any) -> None:
        add_message(queue, message)
        moment = message.sent_timestamp / 1000
        store.add((NAMESPACE, "NumberOfMessagesSent", (("QueueName", queue.name),)), 1.0, moment)
        message.sent_timestamp -= round(age(queue.name) * 1000)

    return add
