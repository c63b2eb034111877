"""The same training written for a framework; prints its `Rate` and its last losses as JSON.

`python tests/benchmarks/peers.py NAME STEPS WARMUP DATA`, in an environment of their own: nothing
of this project is imported. DATA is an .npz with `x`, `y` and `order`, rows of samples that make an
epoch; all frameworks see these batches, on one thread, and none evaluates or saves.
"""

import json
import logging
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ["KERAS_BACKEND"] = "torch"
for variable in ("HF_HUB_OFFLINE", "TOKENIZERS_PARALLELISM", "WANDB_DISABLED"):
    os.environ[variable] = "1"
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn.functional import cross_entropy  # noqa: E402
from torch.utils.data import DataLoader, Dataset, Sampler, TensorDataset  # noqa: E402

BATCH = 32
LR = 1e-3


class Batches(Sampler):
    """The indices of each batch, epoch by epoch; the last one of an epoch is smaller."""

    def __init__(self, order: np.ndarray) -> None:
        self.batches = [
            samples[first : first + BATCH].tolist()
            for samples in order
            for first in range(0, len(samples), BATCH)
        ]

    def __iter__(self):
        return iter(self.batches)

    def __len__(self) -> int:
        return len(self.batches)


class Clock:
    """When each step has ended, and the losses."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.ends: list[float] = []
        self.computed: list[float] = []
        """The same in seconds that the process computed."""
        self.losses: list[Tensor] = []

    def tick(self) -> bool:
        """A step has ended; whether it was the last."""
        self.ends.append(time.perf_counter())
        self.computed.append(time.process_time())
        return len(self.ends) >= self.steps


def mlp() -> nn.Module:
    layers: list[nn.Module] = [nn.Flatten()]
    inputs = 784
    for units in (256, 128, 64):
        layers += [nn.Linear(inputs, units), nn.BatchNorm1d(units), nn.ReLU(), nn.Dropout(0.5)]
        inputs = units
    return nn.Sequential(*layers, nn.Linear(inputs, 10))


def loader(x: Tensor, y: Tensor, order: np.ndarray) -> DataLoader:
    return DataLoader(TensorDataset(x, y), batch_sampler=Batches(order))


def bare(x: Tensor, y: Tensor, order: np.ndarray, clock: Clock) -> None:
    """No framework, for the scale: tensors that are indexed, torch's default Adam."""
    model = mlp().train()
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    for index in (part for samples in torch.from_numpy(order) for part in samples.split(BATCH)):
        loss = cross_entropy(model(x[index]), y[index])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        clock.losses.append(loss.detach())
        if clock.tick():
            return


def lightning(x: Tensor, y: Tensor, order: np.ndarray, clock: Clock) -> None:
    """The Trainer with its defaults, which log and draw a progress bar; the loss is logged."""
    import lightning as lt

    class Module(lt.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = mlp()

        def training_step(self, batch: list[Tensor], index: int) -> Tensor:
            inputs, labels = batch
            loss = cross_entropy(self.model(inputs), labels)
            self.log("train/loss", loss)
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=LR)

    class Ticks(lt.Callback):
        def on_train_batch_end(self, trainer, module, outputs, batch, index) -> None:
            clock.losses.append(outputs["loss"].detach())
            clock.tick()

    with tempfile.TemporaryDirectory() as folder:
        trainer = lt.Trainer(
            max_steps=clock.steps,
            accelerator="cpu",
            devices=1,
            default_root_dir=folder,
            callbacks=[Ticks()],
            enable_checkpointing=False,
        )
        trainer.fit(Module(), loader(x, y, order))


def hf(x: Tensor, y: Tensor, order: np.ndarray, clock: Clock) -> None:
    """The Hugging Face Trainer; without saving, reporting and progress bar."""
    from transformers import Trainer, TrainerCallback, TrainingArguments

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = mlp()

        def forward(self, inputs: Tensor, labels: Tensor) -> dict[str, Tensor]:
            logits = self.model(inputs)
            return {"loss": cross_entropy(logits, labels), "logits": logits}

    class Samples(Dataset):
        def __len__(self) -> int:
            return len(x)

        def __getitem__(self, index: int) -> dict[str, Tensor]:
            return {"inputs": x[index], "labels": y[index]}

    class Ticks(TrainerCallback):
        def on_step_end(self, arguments, state, control, **_) -> None:
            clock.tick()

    class Ordered(Trainer):
        def get_train_dataloader(self) -> DataLoader:
            batches = Batches(order)
            own = DataLoader(
                self.train_dataset, batch_sampler=batches, collate_fn=self.data_collator
            )
            return self.accelerator.prepare(own)

        def training_step(self, *arguments, **named) -> Tensor:
            loss = super().training_step(*arguments, **named)
            clock.losses.append(loss.detach())
            return loss

    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=BATCH,
            max_steps=clock.steps,
            learning_rate=LR,
            lr_scheduler_type="constant",
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=True,
            dataloader_pin_memory=False,
        )
        Ordered(model=Model(), args=arguments, train_dataset=Samples(), callbacks=[Ticks()]).train()


def accelerate(x: Tensor, y: Tensor, order: np.ndarray, clock: Clock) -> None:
    """The loop of Accelerate's documentation."""
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True)
    model = mlp().train()
    optimizer = torch.optim.Adam(model.parameters(), lr=LR)
    model, optimizer, batches = accelerator.prepare(model, optimizer, loader(x, y, order))
    for inputs, labels in batches:
        optimizer.zero_grad()
        loss = cross_entropy(model(inputs), labels)
        accelerator.backward(loss)
        optimizer.step()
        clock.losses.append(loss.detach())
        if clock.tick():
            return


def keras(x: Tensor, y: Tensor, order: np.ndarray, clock: Clock) -> None:
    """`Model.fit` on its torch backend, without a progress bar; batch norm as torch's."""
    import keras

    layers: list[keras.Layer] = [keras.layers.Flatten()]
    for units in (256, 128, 64):
        norm = keras.layers.BatchNormalization(momentum=0.9, epsilon=1e-5)
        layers += [keras.layers.Dense(units), norm]
        layers += [keras.layers.ReLU(), keras.layers.Dropout(0.5)]
    model = keras.Sequential([keras.Input((1, 28, 28)), *layers, keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(LR), loss=loss)

    class Ticks(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None) -> None:
            clock.losses.append(torch.tensor(float(logs["loss"])))  # the mean of the epoch so far
            self.model.stop_training = clock.tick()

    for samples in order:
        if len(clock.ends) >= clock.steps:
            return
        shuffled = torch.from_numpy(samples)
        model.fit(
            x[shuffled].numpy(),
            y[shuffled].numpy(),
            batch_size=BATCH,
            shuffle=False,
            verbose=0,
            callbacks=[Ticks()],
        )


WAYS = {"bare": bare, "lightning": lightning, "transformers": hf, "accelerate": accelerate}
WAYS["keras"] = keras


def main() -> None:
    name, steps, warmup, data = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    torch.manual_seed(0)
    with np.load(data, allow_pickle=False) as file:
        x, y, order = torch.from_numpy(file["x"]), torch.from_numpy(file["y"]), file["order"]
    clock = Clock(steps)
    WAYS[name](x, y, order, clock)
    if torch.get_num_threads() != 1:
        sys.exit(f"{name}: {torch.get_num_threads()} threads")
    ends = clock.ends[:steps]
    rate = (len(ends) - warmup) / (ends[-1] - ends[warmup - 1])
    computed = (len(ends) - warmup) / (clock.computed[len(ends) - 1] - clock.computed[warmup - 1])
    loss = float(torch.stack(clock.losses[-100:]).mean())
    rates = {"steps": rate, "overall": rate, "per_cpu_second": computed}
    print(json.dumps({"rates": rates, "count": len(ends), "loss": loss}))


if __name__ == "__main__":
    main()
