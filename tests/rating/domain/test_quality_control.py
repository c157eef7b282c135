"""Nobody overwrites settings that they haven't read, and a form is what the version says it was made from."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given as generated
from hypothesis import strategies as st

from chassis.errors import CommandRejected
from rating.domain.quality_control.decider import QUALITY_CONTROL, BeginWithDefault, SaveQualityControl
from rating.domain.quality_control.events import QualityControlSaved, StaffMember
from rating.domain.quality_control.settings import FormWebhook, LowScoreAlert, QualityControlSettings, Tag
from rating.domain.quality_control.state import Saved
from rating.domain.quality_control.texts import BUILT_IN, SHOWN, Texts, lookup, shown
from rating.domain.rating.form_version import CommentMode, CommentRule, Scale
from rating.domain.rating.ways import DeliveryWay, Way
from tests.chassis.decider_spec import DeciderSpec
from tests.rating.builders import STARS, at

given = DeciderSpec(QUALITY_CONTROL).given

CLARA, IVO = StaffMember(id="clara", name="Clara Moen"), StaffMember(id="ivo", name="Ivo Brandt")
FIRST = QualityControlSettings(
    enabled=True,
    scale=STARS,
    comment=CommentRule(),
    texts={"en": Texts(question="How was it?")},
    delay=timedelta(0),
    expiry=timedelta(days=3),
    edit_window=timedelta(days=7),
    offer_window=timedelta(days=1),
    cool_down=timedelta(0),
)
SECOND = FIRST.model_copy(update={"delay": timedelta(minutes=15)})


def save(
    settings: QualityControlSettings, based_on: int, by: StaffMember = CLARA, **more: Any
) -> SaveQualityControl:
    return SaveQualityControl(settings, based_on, by, at(1), **more)


def by_mail(after: timedelta = timedelta(0), **more: Any) -> QualityControlSettings:
    ways = (DeliveryWay(way=Way.WIDGET), DeliveryWay(way=Way.EMAIL, after=after))
    return FIRST.model_copy(update={"ways": ways, **more})


def alerting(at_or_below: int = 2, **more: Any) -> QualityControlSettings:
    alert = LowScoreAlert(at_or_below=at_or_below, to=("clara@school.test",), locale="en")
    return FIRST.model_copy(update={"alert": alert, **more})


def saved(version: int, settings: QualityControlSettings, **more: Any) -> QualityControlSaved:
    return QualityControlSaved(version=version, settings=settings, by=CLARA, saved_at=at(1), **more)


def test_the_first_to_save_makes_the_second_version() -> None:
    given().when(save(FIRST, 1)).then(saved(2, FIRST))


def test_versions_count_on() -> None:
    given(saved(2, FIRST)).when(save(SECOND, 2)).then(saved(3, SECOND))


def test_what_holds_already_is_nothing_new() -> None:
    given(saved(2, FIRST)).when(save(FIRST, 2, IVO)).then_nothing()


def test_the_same_sent_again_is_done_already() -> None:
    given(saved(2, FIRST), saved(3, SECOND)).when(save(SECOND, 2)).then_nothing()


@pytest.mark.parametrize("settings", [FIRST, SECOND])
def test_who_has_not_read_the_last_version_is_told_whose_it_is(settings: QualityControlSettings) -> None:
    given(saved(2, FIRST), saved(3, SECOND)).when(save(settings, 2, IVO)).then_rejected(
        "saved-meanwhile", who="Clara Moen", when="2026-03-29T01:00:59.999Z", version=3
    )


@pytest.mark.parametrize("past", [[], [saved(2, FIRST)]])
def test_nothing_is_based_on_what_never_was(past: list[QualityControlSaved]) -> None:
    given(*past).when(save(SECOND, 3)).then_rejected("no-such-version")


def test_a_new_channel_begins_with_the_default() -> None:
    given().when(BeginWithDefault(saved(7, SECOND), at(1))).then(saved(2, SECOND, from_default=7))


@pytest.mark.parametrize("past", [saved(2, FIRST), saved(2, SECOND, from_default=7)])
def test_a_channel_that_has_settings_keeps_them(past: QualityControlSaved) -> None:
    given(past).when(BeginWithDefault(saved(8, SECOND), at(2))).then_nothing()


def test_an_older_version_is_saved_anew() -> None:
    given(saved(2, FIRST), saved(3, SECOND)).when(save(FIRST, 3, restores=2)).then(
        saved(4, FIRST, restores=2)
    )


def test_nobody_can_choose_e_mail_where_none_can_be_sent_and_who_has_chosen_it_keeps_it() -> None:
    off: dict[str, Any] = {"mail_available": False}
    later = by_mail(delay=timedelta(1))
    given().when(save(by_mail(), 1)).then(saved(2, by_mail()))
    given().when(save(by_mail(), 1, **off)).then_rejected("mail-not-set-up")
    given(saved(2, FIRST)).when(save(by_mail(), 2, **off)).then_rejected("mail-not-set-up")
    given(saved(2, by_mail())).when(save(by_mail(), 2, **off)).then_nothing()
    given(saved(2, by_mail())).when(save(later, 2, **off)).then(saved(3, later))
    given(saved(2, by_mail())).when(save(FIRST, 2, **off)).then(saved(3, FIRST))


def test_nobody_is_told_by_mail_where_none_can_be_sent_and_who_has_chosen_it_keeps_it() -> None:
    off: dict[str, Any] = {"mail_available": False}
    given().when(save(alerting(), 1)).then(saved(2, alerting()))
    given().when(save(alerting(), 1, **off)).then_rejected("mail-not-set-up")
    given(saved(2, by_mail())).when(save(by_mail(alert=alerting().alert), 2, **off)).then_rejected(
        "mail-not-set-up"
    )
    given(saved(2, alerting())).when(save(alerting(1), 2, **off)).then(saved(3, alerting(1)))
    given(saved(2, alerting())).when(save(FIRST, 2, **off)).then(saved(3, FIRST))


@pytest.mark.parametrize("score", [4, 5])
def test_nobody_is_told_of_satisfied_scores(score: int) -> None:
    given().when(save(alerting(score), 1)).then_rejected("alert-on-satisfied")
    given().when(save(alerting(3), 1)).then(saved(2, alerting(3)))


@pytest.mark.parametrize("score", [0, 6])
def test_an_alert_has_a_score_of_the_scale(score: int) -> None:
    given().when(save(alerting(score), 1)).then_rejected("threshold-not-on-scale", lowest=1, highest=5)


POINTS = Scale(name="points", lowest=0, highest=10, satisfied_from=9)


@pytest.mark.parametrize(
    ("at_or_below", "scale", "low"),
    [
        (2, STARS, {1, 2}),
        (1, STARS, {1}),
        (1, POINTS, {0}),
        (2, POINTS, {0, 1, 2}),
        (3, POINTS, set(range(6))),
    ],
)
def test_on_an_older_scale_the_threshold_stands_as_high(
    at_or_below: int, scale: Scale, low: set[int]
) -> None:
    scores = range(scale.lowest, scale.highest + 1)
    assert {each for each in scores if alerting(at_or_below).alerts_of(each, scale)} == low
    assert not any(FIRST.alerts_of(each, scale) for each in scores)


def test_who_was_satisfied_by_the_rules_of_their_form_is_no_case() -> None:
    lenient = STARS.model_copy(update={"satisfied_from": 3})
    assert [alerting(3).alerts_of(each, lenient) for each in (2, 3)] == [True, False]


def test_settings_that_were_stored_before_tell_nobody() -> None:
    before = FIRST.model_dump(mode="json", exclude={"alert"})
    assert QualityControlSettings.model_validate(before) == FIRST
    assert "clara" not in repr(alerting())


def by_webhook(url: str | None = "https://support.example/forms") -> QualityControlSettings:
    webhook = None if url is None else FormWebhook(url=url)
    return FIRST.model_copy(update={"ways": (DeliveryWay(way=Way.WEBHOOK),), "form_webhook": webhook})


def test_forms_go_to_the_channels_own_system_only_where_it_is_said_where_that_is() -> None:
    given().when(save(by_webhook(), 1)).then(saved(2, by_webhook()))
    given().when(save(by_webhook(None), 1)).then_rejected("webhook-url-missing")
    kept = FIRST.model_copy(update={"form_webhook": by_webhook().form_webhook})
    given(saved(2, by_webhook())).when(save(kept, 2)).then(saved(3, kept))


def test_only_admins_say_where_forms_go() -> None:
    there, elsewhere = by_webhook(), by_webhook("https://elsewhere.example/forms")
    off = FIRST.model_copy(update={"form_webhook": there.form_webhook})
    for before, after in (((), there), ((saved(2, there),), elsewhere), ((saved(2, there),), FIRST)):
        based_on = 2 if before else 1
        given(*before).when(save(after, based_on, by_admin=False)).then_rejected("webhook-for-admins")
        given(*before).when(save(after, based_on)).then(saved(based_on + 1, after))
    given(saved(2, there)).when(save(off, 2, by_admin=False)).then(saved(3, off))


def test_the_same_is_saved_again_once_where_that_switches_the_webhook_on() -> None:
    again = save(by_webhook(), 2, webhook_gone=True)
    given(saved(2, by_webhook())).when(again).then(saved(3, by_webhook()))
    given(saved(2, by_webhook()), saved(3, by_webhook())).when(again).then_nothing()


def test_a_form_is_sent_before_it_expires() -> None:
    given().when(save(by_mail(FIRST.expiry), 1)).then_rejected("way-too-late")
    just_before = by_mail(FIRST.expiry - timedelta(milliseconds=1))
    given().when(save(just_before, 1)).then(saved(2, just_before))


@pytest.mark.parametrize("reminder", [timedelta(hours=1), timedelta(days=3), timedelta(days=4)])
def test_a_reminder_comes_after_the_mail_and_before_the_expiry(reminder: timedelta) -> None:
    wrong = by_mail(timedelta(hours=1), reminder=reminder)
    given().when(save(wrong, 1)).then_rejected("reminder-out-of-time")
    right = by_mail(timedelta(hours=1), reminder=timedelta(days=1))
    given().when(save(right, 1)).then(saved(2, right))


def test_only_who_was_asked_by_mail_is_reminded() -> None:
    alone = FIRST.model_copy(update={"reminder": timedelta(days=1)})
    given().when(save(alone, 1)).then_rejected("reminder-out-of-time")


@pytest.mark.parametrize(
    "change",
    [
        {"scale": STARS.model_copy(update={"satisfied_from": 6})},
        {"scale": STARS.model_copy(update={"satisfied_from": 0})},
        {"comment": CommentRule(mode=CommentMode.REQUIRED, required_at_or_below=0)},
        {"comment": CommentRule(mode=CommentMode.REQUIRED, required_at_or_below=6)},
        {"tags": (Tag(id="slow", lowest=0, highest=3, texts={"en": "slow"}),)},
        {"tags": (Tag(id="slow", lowest=1, highest=6, texts={"en": "slow"}),)},
    ],
)
def test_a_threshold_is_a_score_of_the_scale(change: dict[str, Any]) -> None:
    wrong = FIRST.model_copy(update=change)
    given().when(save(wrong, 1)).then_rejected("threshold-not-on-scale", lowest=1, highest=5)


@pytest.mark.parametrize("limit", [1, 5])
def test_the_ends_of_the_scale_are_thresholds(limit: int) -> None:
    rule = CommentRule(mode=CommentMode.REQUIRED, required_at_or_below=limit)
    scale = STARS.model_copy(update={"satisfied_from": limit})
    wanted = FIRST.model_copy(update={"comment": rule, "scale": scale})
    given().when(save(wanted, 1)).then(saved(2, wanted))


def test_settings_are_read_as_they_were_stored() -> None:
    event = saved(2, SECOND, restores=1)
    assert QUALITY_CONTROL.events.validate_python(event.model_dump(mode="json")) == event


@generated(st.lists(st.tuples(st.sampled_from([FIRST, SECOND]), st.integers(0, 2), st.booleans())))
def test_the_number_of_a_version_is_its_place_in_the_history(saves: list[tuple[Any, int, bool]]) -> None:
    events: list[QualityControlSaved] = []
    for settings, late, by_clara in saves:
        state = QUALITY_CONTROL.fold(QUALITY_CONTROL.initial, events)
        command = save(settings, max(state.version - late, 1), CLARA if by_clara else IVO)
        try:
            events += QUALITY_CONTROL.decide(state, command)
        except CommandRejected:
            assert isinstance(state, Saved)
            assert late
    assert [event.version for event in events] == list(range(2, len(events) + 2))


class TestTexts:
    @pytest.mark.parametrize(
        ("locale", "ranges"),
        [
            ("fr", ["fr"]),
            ("fr-CA", ["fr-CA", "fr"]),
            ("zh-Hant-TW", ["zh-Hant-TW", "zh-Hant", "zh"]),
            ("de-u-co-phonebk", ["de-u-co-phonebk", "de-u-co", "de"]),
        ],
    )
    def test_a_locale_is_looked_up_from_the_exact_one_on(self, locale: str, ranges: list[str]) -> None:
        assert list(lookup(locale)) == ranges

    @pytest.mark.parametrize(
        ("wanted", "question"),
        [
            (["fr-CA"], ("fr-CA", "Canada")),
            (["fr-BE"], ("fr", "France")),
            (["de", "fr"], ("fr", "France")),
            (["de"], ("nl", "Nederland")),
            (["ru"], ("nl", "Nederland")),
            ([], ("nl", "Nederland")),
        ],
    )
    def test_the_first_that_is_written_is_shown(self, wanted: list[str], question: tuple[str, str]) -> None:
        written = {
            "fr": Texts(question="France", thanks="Merci"),
            "fr-CA": Texts(question="Canada"),
            "nl": Texts(question="Nederland"),
        }
        found = shown(written, wanted, "nl")
        assert found["question"] == question
        if "fr" in question[0]:
            assert found["thanks"] == ("fr", "Merci")

    @pytest.mark.parametrize(
        ("wanted", "default", "locale"),
        [(["ru-RU"], "fr", "ru"), (["de"], "fr", "fr"), (["de"], "de", "en"), ([], "ar-EG", "ar")],
    )
    def test_what_nobody_wrote_is_built_in(self, wanted: list[str], default: str, locale: str) -> None:
        expected = {name: (locale, text) for name, text in BUILT_IN[locale].shown(satisfied=None)}
        assert shown({}, wanted, default) == expected

    @pytest.mark.parametrize("locale", BUILT_IN)
    def test_all_texts_are_built_in(self, locale: str) -> None:
        shown_always = {*SHOWN} - {"expired"}
        assert {name for name, _ in BUILT_IN[locale].shown(satisfied=None)} == shown_always


def test_a_form_takes_from_its_version_what_it_is_made_by() -> None:
    form = SECOND.form_version(7, "fr")
    assert (form.version, form.default_locale, form.delay) == (7, "fr", timedelta(minutes=15))
    assert form.model_dump(include=set(QualityControlSettings.model_fields)) == SECOND.model_dump(
        exclude={"texts", "alert", "accent", "form_webhook"}
    )
