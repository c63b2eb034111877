"""Each test of this folder runs on the CPU with the others, and on a GPU with `make test-gpu`."""

import pytest
import torch


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def device(request) -> str:
    if request.param == "cuda" and not torch.cuda.is_available():
        pytest.skip("torch sees no CUDA device")
    torch.set_num_threads(1)
    return request.param
