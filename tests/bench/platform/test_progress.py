"""Whoever listens to a reporter is told what it shows."""


class Heard:
    def __init__(self):
        self.lines, self.steps = [], []

    def said(self, text):
        self.lines.append(text)

    def stage_at(self, name, done, total):
        self.steps.append((name, done, total))


def test_a_listener_hears_lines_and_every_step(quiet):
    heard = Heard()
    reporter = quiet.with_listener(heard)
    reporter.say("Warning: few images")
    with reporter.stage("score", 5) as advance:
        advance(2)
        advance(3)
    assert heard.lines[0] == "Warning: few images"
    assert heard.steps == [("score", 0, 5), ("score", 2, 5), ("score", 5, 5)]
    assert quiet.listeners == ()


def test_a_stage_of_nothing_is_none(quiet):
    heard = Heard()
    with quiet.with_listener(heard).stage("score", 0) as advance:
        advance(0)
    assert heard.steps == []


def test_a_listener_hears_stages_that_are_told_as_they_come(quiet):
    heard = Heard()
    with quiet.with_listener(heard).stages() as report:
        report("draw", 1, 2)
        report("draw", 2, 2)
    assert heard.steps == [("draw", 1, 2), ("draw", 2, 2)]
