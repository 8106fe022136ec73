# SPDX-License-Identifier: Apache-2.0
"""From the best weights of a run to its figures, and to everything that is shipped."""
import shutil

from . import card, compare, export, measure, network, parity, prose, record, split


def best_model(settings, trainer):
    """The network that is measured and shipped: the kept weights, with the wanted share of those that the training started from and
    logits about 0.

    A straight line between a network and what further training made of it holds networks that do as well on the new photos as the one
    end and better than it on the old ones (Wortsman et al. 2022, arXiv:2109.01903).
    """
    share = settings["training"]["start_share"]
    model = network.of_settings(settings, settings["network"]["size"])
    model.load_weights(trainer.best_file)
    if share:
        model.set_weights([share * old + (1 - share) * new for old, new in zip(trainer.start, model.get_weights())])
    network.centre_logits(model)
    return model


def write_figures(model, data, validation, trainer, unseen, out, report):
    """Measures the model and writes out/figures.json; gives what was measured."""
    report(f"measuring on {len(validation['positive'])} photos, and what lies in the camera: some minutes")
    run = network.forward(model)
    measured = measure.measure(lambda pixels: network.logits_of(model, pixels, run=run), data, validation, unseen)
    summary = measure.summary(trainer.settings["training"], measured, trainer.history, unseen)
    record.write(out / "figures.json", summary)
    report(f"mean of the sources' AUCs {summary['mean_auc']:.4f}"
           + (f"; {unseen}, which was not trained on: {summary['sources'][unseen]['auc'][0]:.4f}" if unseen else ""))
    return measured


def thresholds(measured):
    """({name: threshold} of the question that decides, those for any DR of a network that has the grades for classes)."""
    referable = measured.get("referable_figures")
    return (referable["thresholds"], measured["figures"]["thresholds"]) if referable else (measured["figures"]["thresholds"], {})


def against_engine(model, program, detector, validation, measured, settings, report):
    """parity.compare of Keras and the engine on all validation photos."""
    compared = parity.compare(network.logits_of(model, validation["pixels"]),
                              parity.engine_logits(program, detector, validation["pixels"], report),
                              measured["figures"]["temperature"], parity.points_of(settings["target"], *thresholds(measured)))
    report(parity.sentences(compared))
    return compared


def describe(arguments, run_record, split_rows, measured, history, out, shipped):
    """Writes what goes with a .fovea file: figures, model card, split, learning curve, checksums."""
    name = run_record["settings"]["name"]
    split.publish(out / "split.csv", shipped / f"{name}.split.csv")
    record.write(shipped / f"{name}.validation.json", measured)
    card.learning_curve(shipped / "learning_curve.png", history)
    facts = card.Facts(run_record, measured, split_rows, history, arguments.note,
                       [compare.read_run(folder) for folder in arguments.compare])
    (shipped / f"{name}.md").write_text(card.text(facts), encoding="utf-8")
    export.write_checksums(shipped, [path.name for path in shipped.iterdir()])


def write_detector(arguments, run_record, split_rows, validation, measured, model, trainer, out, report):
    """Converts the model and writes out/detector: .fovea and all that describe() writes."""
    settings = run_record["settings"]
    name, (points, any_dr_points) = settings["name"], thresholds(measured)
    shipped = out / "detector"
    shutil.rmtree(shipped, ignore_errors=True)
    shipped.mkdir()
    model.save(out / f"{name}.keras")
    golden = out / "golden.npz"
    export.write_golden(golden, model, export.golden_pictures(arguments.fovea, arguments.golden, settings["preset"],
                                                              settings["network"]["size"], out))
    report("converting")
    detector = shipped / f"{name}.fovea"
    export.convert(arguments.converter, out / f"{name}.keras", detector, settings, golden,
                   measured["figures"]["temperature"], points,
                   {"training_data": prose.training_data(split_rows), **settings["provenance"]}, any_dr_points)
    compared = against_engine(model, arguments.fovea, detector, validation, measured, settings, report)
    describe(arguments, run_record, split_rows, {**measured, "parity": compared}, trainer.history, out, shipped)
    report(f"done: {shipped}")
