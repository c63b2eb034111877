"""The arithmetic of the figures, and the GPU's script as far as a CPU goes."""

import bench_gpu
import pytest
from rates import Rate, of_ends, table


def test_a_rate_leaves_out_warmup_and_evaluations():
    # Two slow steps of warm-up, then 0.1 s each, and an evaluation of 5 s after the fifth step.
    ends = [3.0, 6.0, 6.1, 6.2, 6.3, 11.4, 11.5]
    rate = of_ends(ends, [5], 2, 9.0)
    assert rate.steps == pytest.approx(10)
    assert rate.overall == pytest.approx(5 / 5.5)
    assert of_ends(ends, [], 2, 9.0).steps == rate.overall


def test_ratios_are_those_of_each_round():
    rates = {
        "engine": [Rate(10, 10, 4), Rate(20, 20, 4), Rate(30, 30, 4)],
        "other": [Rate(5, 2, 1), Rate(20, 40, 2), Rate(10, 10, 8)],
    }
    ours, other = table(rates, "engine")
    assert "20.00 steps/s" in ours
    assert "10.00 steps/s" in other
    assert "2.000 (1.000 to 3.000), with evaluations 3.000, by CPU time 2.000" in other


@pytest.mark.parametrize("way", bench_gpu.WAYS[:2])
def test_the_ways_that_a_gpu_is_measured_with(way, monkeypatch):
    monkeypatch.setattr(bench_gpu, "STEPS", 6)
    monkeypatch.setattr(bench_gpu, "WARMUP", 2)
    found = bench_gpu.work("gpt-mini", "cpu", "fp32", way)
    assert found["rate"] > 0
    assert found["peak"] is None
