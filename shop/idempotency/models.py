"""The first answer to a request that its sender may send again, kept for as long as that may happen."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.db.models import Q
from django.utils import timezone

KEPT = timedelta(hours=24)
# By then whoever claimed a key is dead: the slowest request waits half a minute for the database, and for the provider
# three times 25 s.
ABANDONED = timedelta(minutes=2)


class KeptAnswerQuerySet(models.QuerySet["KeptAnswer"]):
    def outlived(self) -> KeptAnswerQuerySet:
        return self.filter(created_at__lt=timezone.now() - KEPT)

    def abandoned(self) -> KeptAnswerQuerySet:
        """Claimed long ago by a process that never answered."""
        return self.filter(status=None, claimed_at__lt=timezone.now() - ABANDONED)


class KeptAnswer(models.Model):
    """`status` is empty while the first request is under way. `fingerprint` says what was asked under the key."""

    owner = models.CharField(max_length=80)
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(default=timezone.now)
    claimed_at = models.DateTimeField(default=timezone.now)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    headers = models.JSONField(default=dict, blank=True)
    body = models.BinaryField(default=b"", blank=True)

    objects = KeptAnswerQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "key"], name="kept_answer_once_per_key"),
            models.CheckConstraint(
                condition=Q(status=None) | Q(status__gte=200, status__lt=500), name="kept_answer_is_final"
            ),
        ]
        indexes = [models.Index(fields=["created_at"])]

    def __str__(self) -> str:
        return f"{self.owner} {self.key}: {self.status or 'under way'}"
