# SPDX-License-Identifier: Apache-2.0
"""The training loop: resumable after every epoch, and the resumed run is the uninterrupted one."""
import csv
import pathlib
import time

import numpy as np
import tensorflow as tf
from sklearn.metrics import roc_auc_score

from . import augment, cached, distill, evaluate, grades, network, optimizers, record, rotations, sampling
from .settings import SettingsError, has_grades


def size_at(epoch, sizes):
    """Side of the training pictures in this epoch. sizes: [[first epoch counted from 0, side], ...] in rising order."""
    return [side for first, side in sizes if first <= epoch][-1]


def source_aucs(sources, positive, score):
    """{source: area under the ROC curve} for the sources with both classes."""
    return {name: float(roc_auc_score(positive[here], score[here]))
            for name, here in evaluate.sources_with_both_classes(sources, positive)}


class ResumeError(Exception):
    pass


class WeightsError(Exception):
    pass


class Trainer:
    """Model, optimizer, running average and position, with everything a resume needs in one checkpoint."""

    def __init__(self, settings, folder, initial_weights=None, teacher=None, strategy=None):
        """initial_weights: file to start from; teacher: a trained network.build model to learn from, or None; strategy: of
        tf.distribute, which spreads each batch over several devices, or None for one device."""
        self.settings = settings
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.strategy = strategy or tf.distribute.get_strategy()
        self.replicas = self.strategy.num_replicas_in_sync
        training = settings["training"]
        if training["batch"] % self.replicas:
            raise SettingsError(f"[training] batch = {training['batch']}: not to be shared alike by {self.replicas} devices")
        self._frozen_blocks = training["frozen_blocks"]
        if teacher and self._frozen_blocks:
            raise SettingsError("[training] frozen_blocks: a network with a teacher learns in all its blocks")
        tf.keras.utils.set_random_seed(training["seed"])
        with self.strategy.scope():
            self._make_networks(initial_weights, teacher)
            self.variables = self._trained_variables()
            if self.grade_head:
                self.variables = self.variables + self.grade_head.trainable_variables
            if self.distillation:
                self.variables = self.variables + self.distillation.trainable_variables
            self.optimizer = optimizers.make(training, self.variables)
        of_backbone = {id(v) for v in network.backbone(self.model).trainable_variables}
        self.head_variables = [v for v in self.variables if id(v) not in of_backbone]
        self.epoch = tf.Variable(0, dtype=tf.int64, trainable=False)
        self.best = tf.Variable(-1.0, dtype=tf.float64, trainable=False)
        self.history = []
        self._stepped = False
        self._checkpoint = tf.train.Checkpoint(
            model=self.model, average=self.average, optimizer=self.optimizer, epoch=self.epoch, best=self.best,
            **({"grade_head": self.grade_head} if self.grade_head else {}),
            **({"distillation": self.distillation} if self.distillation else {}))
        self._checkpoints = tf.train.CheckpointManager(self._checkpoint, str(self.folder / "checkpoints"), max_to_keep=2)
        self._features = self._make_features()
        self._step = tf.function(self._train_step, reduce_retracing=False)
        self._run_average = network.forward(self.average)

    def _make_networks(self, initial_weights, teacher):
        training = self.settings["training"]
        # The trained model takes pictures of any side; the average is what is measured and shipped.
        self.model = network.of_settings(self.settings, None)
        self.average = network.of_settings(self.settings, self.settings["network"]["size"])
        if initial_weights is not None:
            try:
                self.average.load_weights(initial_weights)
            except (ValueError, OSError) as error:
                raise WeightsError(f"{initial_weights}: no weights of this network: {str(error).splitlines()[0]}") from error
            self.model.set_weights(self.average.get_weights())
        for layer in network.leaf_layers(self.model):
            if isinstance(layer, tf.keras.layers.BatchNormalization):
                layer.momentum = training["batch_norm_momentum"]
                if self.replicas > 1:
                    # The statistics of the whole batch, as on one device; the fused kernel knows only its own share.
                    layer.synchronized, layer.fused = True, False
        self.average.set_weights(self.model.get_weights())
        if training["start_share"] and initial_weights is None:
            raise SettingsError("[training] start_share: there are no weights to go on from; name them with --initial-weights")
        self.start = self.average.get_weights() if training["start_share"] else None
        self.grade_head = None  # of a network that has the grades for classes
        if not has_grades(self.settings):
            self.grade_head = tf.keras.layers.Dense(grades.COUNT, name="grade")
            self.grade_head.build((None, 64))
        self.distillation = distill.Distillation(self.model, teacher, self.settings["distill"]) if teacher else None

    def _make_features(self):
        """The function from pictures to pooled features; blocks that stay as they are run as in use, with their own statistics."""
        if not self._frozen_blocks:
            return network.feature_model(self.model)
        early, late = network.feature_parts(self.model, self._frozen_blocks)
        if self.settings["training"]["cached_views"]:
            return late
        return lambda x, training: late(tf.stop_gradient(early(x, training=False)), training=training)

    def _trained_variables(self):
        variables = self.model.trainable_variables
        if self._frozen_blocks:
            frozen = {id(v) for v in network.feature_parts(self.model, self._frozen_blocks)[0].trainable_variables}
            variables = [v for v in variables if id(v) not in frozen]
        return variables

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
        self.history = record.read_history(self.folder / "history.csv")[:int(self.epoch)]
        return True

    def _train_step(self, pixels, companions, angles, positive, known, seed, rate, decay, size, frozen):
        training = self.settings["training"]
        if training["cached_views"]:
            x = tf.cast(pixels, tf.float32)
        elif angles is None:
            x = augment.augment(pixels, seed, self.settings["augment"], size, companions)
        else:
            x = rotations.rotate(pixels, angles, size)
        target, grade_target = self._targets(positive, known)
        # Stateless, unlike the Dropout layer's own generator, which a checkpoint does not hold.
        kept = tf.nn.experimental.stateless_dropout(
            tf.ones((training["batch"], self.model.get_layer("dropout").input.shape[-1])), training["dropout"],
            seed=tf.random.experimental.stateless_fold_in(seed, 0))
        self.optimizer.learning_rate.assign(rate)
        if self.replicas == 1:
            loss = self._learn(x, target, grade_target, kept, frozen)
        else:
            losses = self.strategy.run(self._learn_share, (x, target, grade_target, kept, frozen))
            loss = self.strategy.reduce(tf.distribute.ReduceOp.SUM, losses, axis=None)
        for mean, value in zip(self.average.weights, self.model.weights):
            mean.assign(mean * decay + value * (1 - decay))
        return loss

    def _targets(self, positive, known):
        """(target of the network's classes, target of the second loss: of the grades, or where they are the classes of their order).
        known: the photos' grades."""
        smoothing = self.settings["training"]["label_smoothing"]
        of_grades = grades.one_hot(known, smoothing)
        if has_grades(self.settings):
            return of_grades, grades.reached(positive, known, smoothing)
        return tf.one_hot(positive, 2) * (1 - smoothing) + smoothing / 2, of_grades

    def _second_loss(self, embedding, logits, grade_target):
        if has_grades(self.settings):
            return grades.ordinal_loss(grade_target, logits)
        return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(grade_target, self.grade_head(embedding)))

    def _learn_share(self, *arguments):
        """_learn for this device's share of the batch, which was augmented as a whole."""
        number = tf.distribute.get_replica_context().replica_id_in_sync_group
        share = self.settings["training"]["batch"] // self.replicas
        *tensors, frozen = arguments
        return self._learn(*(tensor[number * share:(number + 1) * share] for tensor in tensors), frozen)

    def _learn(self, x, target, grade_target, kept, frozen):
        """Changes the weights by the gradient of the whole batch. Gives this device's part of the loss."""
        training = self.settings["training"]
        variables = self.head_variables if frozen else self.variables
        with tf.GradientTape() as tape:
            if self.distillation:
                features, target, loss = self.distillation(x, target, training=not frozen)
            else:
                features, loss = self._features(x, training=not frozen), 0.0
            embedding, logits = network.classify(self.model, features * kept)
            loss += tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(target, logits))
            loss += training["grade_loss"] * self._second_loss(embedding, logits, grade_target)
            loss /= self.replicas
        gradients = tape.gradient(loss, variables)
        if self.replicas > 1:
            gradients = tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        optimizers.apply(self.optimizer, training, gradients, variables)
        return loss

    def _cached_maps(self, data, report):
        """What the frozen blocks make of the views of each photo, in the run's folder from the first time on; None without views."""
        training, path = self.settings["training"], self.folder / "frozen_maps.npy"
        if not training["cached_views"]:
            return None
        maps = cached.read(path) if path.is_file() else None
        if maps is None or maps.shape[:2] != (len(data["pixels"]), training["cached_views"]):
            cached.write(path, network.feature_parts(self.model, self._frozen_blocks)[0], data["pixels"], self.settings, report)
        return cached.read(path)

    def _pictures(self, data, pick, views):
        """What a step is given of the pictures drawn: their pixels, or of one of its views each what the frozen blocks make of it."""
        if data["maps"] is not None:
            return data["maps"][pick, views]
        return data["pixels"][data["photo"][pick] if "angles" in data else pick]

    def _run_epoch(self, epoch, data, report):
        training = self.settings["training"]
        draw = np.random.default_rng([training["seed"], epoch])
        order = sampling.batches(training, data["chance"], draw)
        steps = len(order)
        share = self.settings["augment"]["companions"]
        companions = draw.choice(len(data["companion_chance"]), size=(steps, round(share * training["batch"])),
                                 p=data["companion_chance"])
        views = draw.integers(max(training["cached_views"], 1), size=order.shape)
        size, frozen = size_at(epoch, training["sizes"]), epoch < training["frozen_epochs"]
        if report and not self._stepped:
            report(f"epoch {epoch + 1}/{training['epochs']}  the first step takes a minute or more: the training is being compiled")
        self._stepped = True
        losses = []
        for i in range(steps):
            step = epoch * steps + i
            pick = order[i]
            # A young average forgets faster, or it would drag the random start along.
            decay = min(training["average_decay"], (1 + step) / (10 + step))
            rate = optimizers.learning_rate(step, training["epochs"] * steps, training)
            losses.append(self._step(
                tf.constant(self._pictures(data, pick, views[i])),
                tf.constant(data["pixels"][companions[i]]) if companions.shape[1] else None,
                tf.constant(data["angles"][pick]) if "angles" in data else None,
                tf.constant(data["positive"][pick]), tf.constant(data["grades"][pick]),
                tf.constant([training["seed"], step], tf.int32), tf.constant(rate, tf.float32),
                tf.constant(decay, tf.float32), size, frozen))
            if report and (i % 10 == 9 or i == steps - 1):
                report(f"epoch {epoch + 1}/{training['epochs']}  step {i + 1}/{steps}  "
                       f"loss {float(np.mean(losses[-10:])):.4f}")
        return float(np.mean(losses))

    def fit(self, data, validation, report=print, stop_after=None, unseen=None):
        """Trains to the last epoch. data and validation: {"pixels" uint8 (N,S,S,3), "positive" int32, "grades" int32,
        "sources"}; data also {"chance", "companion_chance"}; both with {"photo", "angles"} where rotations made the pictures.
        stop_after: leave after this many epochs (an interruption, for tests). unseen: a source that must not help to choose
        the epoch."""
        training = self.settings["training"]
        data = {**data, "maps": self._cached_maps(data, report)}
        ran = 0
        while int(self.epoch) < training["epochs"] and ran != stop_after:
            epoch, start = int(self.epoch), time.monotonic()
            loss = self._run_epoch(epoch, data, report)
            logits = rotations.logits(self.average, validation, run=self._run_average)
            aucs = source_aucs(validation["sources"], validation["positive"], grades.log_odds(logits))
            # Every source counts alike: pooled figures reward telling cameras apart.
            mean = float(np.mean([value for name, value in aucs.items() if name != unseen]))
            if mean > float(self.best) or training["keep"] == "last":
                self.best.assign(mean)
                self._keep_average()
            self.epoch.assign_add(1)
            self.history.append({"epoch": epoch + 1, "loss": loss, "mean_auc": mean,
                                 **{f"auc_{name}": value for name, value in aucs.items()}, **self._grades_in_brief(validation, logits)})
            self._write_history()
            self._checkpoints.save()
            ran += 1
            if report:
                report(f"epoch {epoch + 1}/{training['epochs']}  loss {loss:.4f}  mean AUC {mean:.4f}  "
                       + "  ".join(f"{name} {value:.4f}" for name, value in self.history[-1].items() if name.startswith(("auc_", "kappa_")))
                       + f"  {time.monotonic() - start:.0f} s")
        return self.history

    def _keep_average(self):
        """Beside the earlier file first: HDF5 fails where somebody reads the file, and would leave none that can be read."""
        part = self.folder / "best.part.weights.h5"
        self.average.save_weights(part)
        part.replace(self.best_file)

    def _grades_in_brief(self, validation, logits):
        """For the history: each source's quadratic kappa, where the network has the grades for classes."""
        if not has_grades(self.settings):
            return {}
        return {f"kappa_{name}": value for name, value in evaluate.kappas(validation["sources"], validation["grades"], logits).items()}

    def _write_history(self):
        path = self.folder / "history.csv"
        with open(path.with_suffix(".part"), "w", newline="") as file:
            rows = csv.DictWriter(file, list(self.history[0]), lineterminator="\n")
            rows.writeheader()
            rows.writerows(self.history)
        path.with_suffix(".part").replace(path)
