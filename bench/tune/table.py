"""The table of what each tool did, and whether ours reached its goals beside the others."""
import dataclasses
import statistics

EASY_EVALUATIONS = 2  # of ours, at most, on the easy models
HARD_SHARE = 1 / 5  # of the best peer's evaluations and seconds, at most, on the hard ones


@dataclasses.dataclass
class Row:
    """One tool on one case: medians of its runs, and the judge's figures of its answer."""

    case: object
    tool: str
    outcome: object
    judged: dict
    holds: bool
    first_seconds: float = None
    seconds: float = 0
    runs: int = 1

    @property
    def first_evaluations(self):
        """Of an answer in fp32, which needs no evaluation of its own: all that were spent before giving it."""
        return self.outcome.first_evaluations if self.outcome.quantized else self.outcome.evaluations


def make_row(case, outcomes, judged, baseline):
    last = outcomes[-1]
    right_kind = last.quantized or case.right_answer == "fp32"
    holds = bool(judged) and right_kind and judged["accuracy"] >= case.limit(baseline["accuracy"]) - 1e-9
    first = [outcome.first_seconds if outcome.quantized else outcome.seconds for outcome in outcomes]
    return Row(case, last.tool, last, judged, holds, statistics.median(first) if holds and None not in first else None,
               statistics.median(outcome.seconds for outcome in outcomes), len(outcomes))


def count(value):
    return "" if value is None else f"{value:.1f}".removesuffix(".0")


def seconds(value):
    return "" if value is None else f"{value:.2f} s" if value < 10 else f"{value:.0f} s"


def interval(ratio):
    return f"{ratio['value']:.2f} ({ratio['low']:.2f} to {ratio['high']:.2f})"


def answer_of(row):
    if row.outcome.error:
        return row.outcome.error[:90]
    if not row.judged:
        return "none"
    kind = "quantized" if row.outcome.quantized else "fp32"
    return kind if row.holds or row.case.right_answer == "none" else f"{kind}, not what was asked for"


def show(rows, baseline):
    case = rows[0].case
    print(f"\n{case.name}: fp32 has {baseline['accuracy']:.4f}, at least {case.limit(baseline['accuracy']):.4f} is asked for\n")
    print("| by | answer | accuracy | evaluations: first, all | wall time: first, all | speed-up over fp32 | ours against it |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: |")
    for row in rows:
        accuracy = f"{row.judged['accuracy']:.4f}" if row.judged else ""
        speed = interval(row.judged["speedup"]) if row.judged else ""
        ours = interval(row.judged["of_ours"]) if row.judged and row.tool != "ours" else ""
        used = f"{count(row.first_evaluations) if row.holds else '–'}, {count(row.outcome.evaluations)}"
        time = f"{seconds(row.first_seconds) if row.holds else '–'}, {seconds(row.seconds)}"
        print(f"| {row.tool} | {answer_of(row)} | {accuracy} | {used} | {time} | {speed} | {ours} |")


def verdict(good, text):
    return f"{'reached' if good else 'missed'}: {text}"


def goals(rows):
    """One line for the case: evaluations, wall time, speed of the final model."""
    case, ours = rows[0].case, next((row for row in rows if row.tool == "ours"), None)
    peers = [row for row in rows if row.tool != "ours" and row.holds]
    if ours is None:
        return None
    if not ours.holds:
        good = case.right_answer == "none" and bool(ours.judged)
        return [case.name, verdict(good, f"an answer, {ours.outcome.verdict}"), "", ""]
    return [case.name, evaluations_goal(ours, peers), time_goal(ours, peers), speed_goal(peers)]


def evaluations_goal(ours, peers):
    used = ours.first_evaluations
    if not ours.case.hard:
        return verdict(ours.outcome.evaluations <= EASY_EVALUATIONS, f"{count(ours.outcome.evaluations)} in all, at most {EASY_EVALUATIONS}")
    if not peers:
        return verdict(True, f"{count(used)}, and no peer passes")
    best = min(row.first_evaluations for row in peers)
    return verdict(used <= HARD_SHARE * best + 1e-9, f"{count(used)}, the best peer {count(best)}")


def time_goal(ours, peers):
    if not peers:
        return verdict(True, f"{seconds(ours.first_seconds)}, and no peer passes")
    best = min(row.first_seconds for row in peers)
    share = HARD_SHARE if ours.case.hard else 1
    return verdict(ours.first_seconds <= share * best, f"{seconds(ours.first_seconds)}, the fastest peer {seconds(best)}")


def speed_goal(peers):
    if not peers:
        return verdict(True, "no peer's model holds")
    closest = min(peers, key=lambda row: row.judged["of_ours"]["value"])
    return verdict(closest.judged["of_ours"]["high"] >= 1, f"{interval(closest.judged['of_ours'])} times as fast as the fastest ({closest.tool})")


def show_goals(lines):
    print("\n| model | evaluations | wall time to the first that holds | final model |\n| --- | --- | --- | --- |")
    for line in lines:
        print("| " + " | ".join(line) + " |")
