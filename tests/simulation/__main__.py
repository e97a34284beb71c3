"""Run many seeds: `python -m tests.simulation [--seeds N] [--first SEED] [--steps N]`. Stops at a broken one."""

import argparse
import sys
import time

from tests.simulation.world import World


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation")
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--steps", type=int, default=120)
    given = parser.parse_args()
    began, flushes, span = time.perf_counter(), 0, 0
    for seed in range(given.first, given.first + given.seeds):
        world = World(seed)
        begin = world.mono
        for _ in range(given.steps):
            world.step()
        flushes += world.flushes
        span += world.mono - begin
    took = time.perf_counter() - began
    hours = span / 3.6e12
    sys.stdout.write(f"{given.seeds} seeds, {flushes} journalled flushes, {hours:.0f} simulated hours, {took:.0f} s\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
