"""Times sessions that take turns, so that what disturbs one disturbs all. For the benches' judges, which import it by its folder.

The order is drawn anew for each turn; in its turn a session runs a few times, the first not counted: what ran before it would be measured,
too. A turn's figure is the median. Turns are grouped into blocks, for each of which the sessions are made anew, in an order that is drawn, too:
where a session's memory happens to lie makes it faster or slower. A block's ratio of two sessions is that of their medians: the median of the
blocks' ratios is what the benches print, with a 95 % interval by bootstrap.
"""
import time

import numpy

BLOCKS = 24
RUNS = 10  # of a turn
FEWEST_TURNS = 3  # of a block


def blocks_of(makers, rows, seconds, runs=RUNS):
    """Seconds of one run: an array of blocks x sessions. `makers` make the sessions; each run takes one of `rows`, which are inputs by name."""
    random = numpy.random.default_rng(0)
    blocks = []
    for _ in range(BLOCKS):
        sessions = [None] * len(makers)
        for i in random.permutation(len(makers)):
            sessions[i] = makers[i]()
        taken, end = [], time.perf_counter() + seconds / BLOCKS
        while time.perf_counter() < end or len(taken) < 1 + FEWEST_TURNS:
            turn = numpy.zeros(len(sessions))
            for i in random.permutation(len(sessions)):
                turn[i] = numpy.median([timed(sessions[i], rows[(len(taken) + run) % len(rows)]) for run in range(1 + runs)][1:])
            taken.append(turn)
        blocks.append(numpy.median(taken[1:], axis=0))  # the first warms up
    return numpy.array(blocks)


def timed(model, row):
    start = time.perf_counter()
    model.run(None, row)
    return time.perf_counter() - start


def ratio(slower, faster):
    """Of two sessions' blocks: the median of how many times faster, and its interval."""
    ratios = slower / faster
    random = numpy.random.default_rng(0)
    medians = numpy.median(ratios[random.integers(0, len(ratios), (2000, len(ratios)))], axis=1)
    low, high = numpy.percentile(medians, [2.5, 97.5])
    return {"value": float(numpy.median(ratios)), "low": float(low), "high": float(high)}
