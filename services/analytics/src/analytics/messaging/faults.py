"""What a person reads when a command could not be done."""

from aiokafka.errors import KafkaError
from pymongo.errors import PyMongoError

from analytics.messaging.partition_work import WorkFailed
from analytics.settings import AnalyticsSettings
from chassis.mongo import sentence_of


def what_failed(error: PyMongoError | KafkaError | WorkFailed, settings: AnalyticsSettings) -> str:
    """Which server failed, where, and how."""
    if isinstance(error, PyMongoError):
        return sentence_of(error, settings.mongo)
    if isinstance(error, WorkFailed):
        return f"one of its processes met {error}"
    return f"Kafka at {settings.kafka.servers} did not do it: {type(error).__name__}"
