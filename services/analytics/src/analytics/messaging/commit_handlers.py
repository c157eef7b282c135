"""What happens to each stored event of what supervisors write: lists learn of it, nobody else."""

from analytics.domain.mark import MARK, Mark, MarkEvent
from analytics.domain.review import REVIEW, Review, ReviewEvent
from analytics.read_models.marks import Marks
from analytics.read_models.reviewed import ReviewedCloses
from chassis.outbox.commit_handler import CommitHandler


def review_handler(reviewed: ReviewedCloses) -> CommitHandler[Review, ReviewEvent]:
    """Joins the standings of closes to the relay."""
    return CommitHandler(REVIEW, lambda *_: None, reviewed.project)


def mark_handler(marks: Marks) -> CommitHandler[Mark, MarkEvent]:
    """Joins the marks of the time axis to the relay."""
    return CommitHandler(MARK, lambda *_: None, marks.project)
