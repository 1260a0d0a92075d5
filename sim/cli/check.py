"""The command `check`: every fault of documents, or what they mean in words."""

from __future__ import annotations

from sim.cli.options import BAD_INPUT, DONE, Files, Options, fault_data, print_data, show, tell_faults


def check(files: Files, options: Options) -> int:
    """Say every fault of scenario files (and of ledgers of claims), or what they mean in words."""
    from sim.answers.check import Check
    from sim.scenario.faults import ScenarioError
    from sim.scenario.ledger import is_ledger, load_ledger
    from sim.text.model import ledger_data, ledger_parts

    code, data = DONE, []
    for number, file in enumerate(files):
        try:
            if is_ledger(file):
                ledger = load_ledger(file)
                data.append(ledger_data(ledger, file))
                if not (options.json or options.quiet):
                    show(*ledger_parts(ledger, file))
                continue
            answer = Check.ask(options.load(file))
        except ScenarioError as error:
            code = BAD_INPUT
            if options.json:
                data.append({"file": str(file), "faults": [fault_data(fault) for fault in error.faults]})
            else:
                tell_faults(error)
            continue
        if options.json:
            data.append(answer.data())
        elif not options.quiet:
            show(*(["\n"] if number else []), *answer.parts())
    if options.json:
        print_data(data, files)
    return code
