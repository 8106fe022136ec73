# SPDX-License-Identifier: Apache-2.0
"""The training loop: resumable after every epoch, and the resumed run is the uninterrupted one."""
import csv
import pathlib
import time

import numpy as np
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from . import augment, distill, network

GRADES = 5


def sampling_probabilities(sources, positive, exponent):
    """Chance of each photo to be drawn. Sources weigh (number of photos)**exponent (1 = as they are, 0 = equal);
    within a source, both classes weigh the same."""
    sources, positive = np.asarray(sources), np.asarray(positive, bool)
    chance = np.zeros(len(sources))
    for source in np.unique(sources):
        here = sources == source
        for wanted in (False, True):
            cell = here & (positive == wanted)
            if not cell.any():
                raise ValueError(f"source '{source}' has no {'positive' if wanted else 'negative'} training photo")
            chance[cell] = here.sum() ** exponent / cell.sum()
    return chance / chance.sum()


def learning_rate(step, total, settings):
    """Linear warm-up, then half a cosine to zero."""
    warm = settings["warmup_steps"]
    rising = (step + 1) / warm
    falling = 0.5 * (1 + np.cos(np.pi * max(step - warm, 0) / max(total - warm, 1)))
    return settings["learning_rate"] * min(rising, falling)


def companion_probabilities(sources, positive):
    """Chance of each photo to be laid over another one: healthy eyes only, every source alike."""
    sources, positive = np.asarray(sources), np.asarray(positive, bool)
    chance = np.zeros(len(sources))
    for source in np.unique(sources):
        cell = (sources == source) & ~positive
        if cell.any():
            chance[cell] = 1 / cell.sum()
    return chance / chance.sum()


def size_at(epoch, sizes):
    """Side of the training pictures in this epoch. sizes: [[first epoch counted from 0, side], ...] in rising order."""
    return [side for first, side in sizes if first <= epoch][-1]


def source_aucs(sources, positive, score):
    """{source: area under the ROC curve} for the sources with both classes."""
    sources, positive = np.asarray(sources), np.asarray(positive)
    return {str(s): float(roc_auc_score(positive[sources == s], score[sources == s]))
            for s in np.unique(sources) if len(set(positive[sources == s])) == 2}


class ResumeError(Exception):
    pass


class Trainer:
    """Model, optimizer, running average and position, with everything a resume needs in one checkpoint."""

    def __init__(self, settings, folder, initial_weights=None, teacher=None):
        """initial_weights: file to start from; teacher: a trained network.build model to learn from, or None."""
        self.settings = settings
        self.teacher = teacher
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        training = settings["training"]
        tf.keras.utils.set_random_seed(training["seed"])
        net = settings["network"]
        # The trained model takes pictures of any side; the average is what is measured and shipped.
        self.model = network.build(net["architecture"], None, alpha=net["alpha"])
        self.average = network.build(net["architecture"], net["size"], alpha=net["alpha"])
        if initial_weights is not None:
            self.average.load_weights(initial_weights)
            self.model.set_weights(self.average.get_weights())
        for layer in network.leaf_layers(self.model):
            if isinstance(layer, tf.keras.layers.BatchNormalization):
                layer.momentum = training["batch_norm_momentum"]
        self.average.set_weights(self.model.get_weights())
        self.grade_head = tf.keras.layers.Dense(GRADES, name="grade")
        self.grade_head.build((None, 64))
        self.distillation = None
        if teacher is not None:
            self.distillation = distill.Distillation(self.model, teacher, settings["distill"])
        # AdamW without decay is the thesis's Adam.
        self.optimizer = tf.keras.optimizers.AdamW(training["learning_rate"], weight_decay=training["weight_decay"])
        # Biases, normalisation and gates' offsets are not pulled to zero.
        self.optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        self.variables = self.model.trainable_variables + self.grade_head.trainable_variables
        if self.distillation:
            self.variables = self.variables + self.distillation.trainable_variables
        of_backbone = {id(v) for v in network.backbone(self.model).trainable_variables}
        self.head_variables = [v for v in self.variables if id(v) not in of_backbone]
        self.optimizer.build(self.variables)
        self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.best = tf.Variable(-1.0, dtype=tf.float64, trainable=False)
        self.history = []
        self._checkpoint = tf.train.Checkpoint(
            model=self.model, average=self.average, grade_head=self.grade_head, optimizer=self.optimizer,
            epoch=self.epoch, best=self.best, **({"distillation": self.distillation} if self.distillation else {}))
        self._checkpoints = tf.train.CheckpointManager(self._checkpoint, str(self.folder / "checkpoints"), max_to_keep=2)
        self._features = network.feature_model(self.model)
        self._step = tf.function(self._train_step, reduce_retracing=False)

    @property
    def best_file(self):
        return self.folder / "best.weights.h5"

    def resume(self):
        """Continues from the last finished epoch; False when there is none."""
        path = self._checkpoints.latest_checkpoint
        if path is None:
            return False
        try:
            self._checkpoint.restore(path).assert_consumed()
        except (AssertionError, ValueError) as error:
            raise ResumeError(f"{path}: of another network, or one begins with a teacher and the other without: "
                              f"{str(error).strip().splitlines()[0]}") from error
        with open(self.folder / "history.csv", newline="") as file:
            self.history = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)][:int(self.epoch)]
        return True

    def _train_step(self, pixels, companions, positive, grades, seed, rate, decay, size, frozen):
        training = self.settings["training"]
        x = augment.augment(pixels, seed, self.settings["augment"], size, companions)
        smoothing = training["label_smoothing"]
        target = tf.one_hot(positive, 2) * (1 - smoothing) + smoothing / 2
        grade_target = tf.one_hot(grades, GRADES) * (1 - smoothing) + smoothing / GRADES
        variables = self.head_variables if frozen else self.variables
        with tf.GradientTape() as tape:
            if self.distillation:
                features, target, loss = self.distillation(x, target, training=not frozen)
            else:
                features, loss = self._features(x, training=not frozen), 0.0
            # Stateless, unlike the Dropout layer's own generator, which a checkpoint does not hold.
            features = tf.nn.experimental.stateless_dropout(
                features, training["dropout"], seed=tf.random.experimental.stateless_fold_in(seed, 0))
            embedding, logits = network.classify(self.model, features)
            loss += tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(target, logits))
            loss += training["grade_loss"] * tf.reduce_mean(
                tf.nn.softmax_cross_entropy_with_logits(grade_target, self.grade_head(embedding)))
        gradients, _ = tf.clip_by_global_norm(tape.gradient(loss, variables), training["clip_norm"])
        self.optimizer.learning_rate.assign(rate)
        self.optimizer.apply_gradients(zip(gradients, variables))
        for mean, value in zip(self.average.weights, self.model.weights):
            mean.assign(mean * decay + value * (1 - decay))
        return loss

    def _run_epoch(self, epoch, data, report):
        training = self.settings["training"]
        steps = training["steps_per_epoch"]
        draw = np.random.default_rng([training["seed"], epoch])
        order = draw.choice(len(data["pixels"]), size=(steps, training["batch"]), p=data["chance"])
        share = self.settings["augment"]["companions"]
        companions = draw.choice(len(data["pixels"]), size=(steps, round(share * training["batch"])), p=data["companion_chance"])
        size, frozen = size_at(epoch, training["sizes"]), epoch < training["frozen_epochs"]
        losses = []
        for i in range(steps):
            step = epoch * steps + i
            pick = order[i]
            # A young average forgets faster, or it would drag the random start along.
            decay = min(training["average_decay"], (1 + step) / (10 + step))
            rate = learning_rate(step, training["epochs"] * steps, training)
            losses.append(self._step(
                tf.constant(data["pixels"][pick]),
                tf.constant(data["pixels"][companions[i]]) if companions.shape[1] else None,
                tf.constant(data["positive"][pick]), tf.constant(data["grades"][pick]),
                tf.constant([training["seed"], step], tf.int32), tf.constant(rate, tf.float32),
                tf.constant(decay, tf.float32), size, frozen))
            if report and (i % 10 == 9 or i == steps - 1):
                report(f"epoch {epoch + 1}/{training['epochs']}  step {i + 1}/{steps}  "
                       f"loss {float(np.mean(losses[-10:])):.4f}")
        return float(np.mean(losses))

    def fit(self, data, validation, report=print, stop_after=None):
        """Trains to the last epoch. data and validation: {"pixels" uint8 (N,S,S,3), "positive" int32, "grades" int32,
        "sources"}; data also {"chance", "companion_chance"}. stop_after: leave after this many epochs (an interruption, for tests)."""
        training = self.settings["training"]
        ran = 0
        while int(self.epoch) < training["epochs"] and ran != stop_after:
            epoch, start = int(self.epoch), time.monotonic()
            loss = self._run_epoch(epoch, data, report)
            logits = network.logits_of(self.average, validation["pixels"])
            aucs = source_aucs(validation["sources"], validation["positive"], logits[:, 1] - logits[:, 0])
            # Every source counts alike: pooled figures reward telling cameras apart.
            mean = float(np.mean(list(aucs.values())))
            if mean > float(self.best):
                self.best.assign(mean)
                self.average.save_weights(self.best_file)
            self.epoch.assign_add(1)
            self.history.append({"epoch": epoch + 1, "loss": loss, "mean_auc": mean,
                                 **{f"auc_{name}": value for name, value in aucs.items()}})
            self._write_history()
            self._checkpoints.save()
            ran += 1
            if report:
                report(f"epoch {epoch + 1}/{training['epochs']}  loss {loss:.4f}  mean AUC {mean:.4f}  "
                       + "  ".join(f"{name} {value:.4f}" for name, value in aucs.items())
                       + f"  {time.monotonic() - start:.0f} s")
        return self.history

    def _write_history(self):
        path = self.folder / "history.csv"
        with open(path.with_suffix(".part"), "w", newline="") as file:
            rows = csv.DictWriter(file, list(self.history[0]), lineterminator="\n")
            rows.writeheader()
            rows.writerows(self.history)
        path.with_suffix(".part").replace(path)
