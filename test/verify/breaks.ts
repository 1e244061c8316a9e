/** Mistakes of one line in the code that users call. A claim has to notice each of them. */
export interface Break {
  readonly file: string;
  /** Occurs once in the file. */
  readonly find: string;
  readonly replace: string;
  /** What a user would see. */
  readonly what: string;
}

const of = (file: string, ...breaks: readonly [what: string, find: string, replace: string][]): Break[] =>
  breaks.map(([what, find, replace]) => ({ file, what, find, replace }));

export const BREAKS: readonly Break[] = [
  ...of('actors/tomasulo/write-stage.ts', [
    'a dependent has a result before it is committed',
    '      if (!journal!.isWhole) return false;\n      journal!.commit();\n',
    '      if (!journal!.isWhole) return false;\n',
  ]),
  ...of('actors/tomasulo/issue-stage.ts', [
    'a step that had ended with its default runs again after a crash',
    'if (restored?.end !== undefined) {',
    "if (restored?.end !== undefined && restored.end.status !== 'defaulted') {",
  ]),
  ...of(
    'src/durable/facts.ts',
    ['the tries of an earlier life are forgotten', '    step.attempts = attempt;', '    step.attempts = 1;'],
    ['a retry that was used may be used again', '        step.retries++;\n', ''],
    ['a vamp begins again after a crash', 'Math.max(step.rounds, Number(data))', '0'],
  ),
  ...of(
    'src/coherence/slot.ts',
    ['a dropped copy stays readable', '  dropped(): void {\n    this.forget();', '  dropped(): void {'],
    [
      'a task does not wait for another one of its agent',
      '    return this.#wait(this.#queue, signal);\n',
      '    return undefined;\n',
    ],
  ),
  ...of('src/coherence/slot.ts', [
    'a hold that was reclaimed counts as in force',
    '  lost(): void {\n    this.fenced = true;',
    '  lost(): void {',
  ]),
  ...of(
    'src/coherence/read.ts',
    ['an agent sees an older version than before', 'stale.copy.version < slot.seen || ', ''],
    ['a leased copy never expires', 'space.clock.now() > stale.until', 'false'],
    ['a copy may be read as often as one likes', '  stale.left--;\n', ''],
  ),
  ...of(
    'src/coherence/session.ts',
    [
      'a session is published without its read set',
      'new Set([...this.#reads, ...this.#writes.keys()])',
      'new Set(this.#writes.keys())',
    ],
    [
      'a session reads what is current',
      'const cut = this.#look(key);\n    const written',
      'const { cell: cut } = this.#slot(key).line;\n    const written',
    ],
  ),
  ...of(
    'src/coherence/write.ts',
    [
      'a stale whole value is written',
      "if (expect !== undefined && base.version !== expect) throw slot.refuse('version', expect, base.version);",
      '',
    ],
    ['a whole value replaces anything', '(blind ? undefined : 0)', 'undefined'],
  ),
  ...of(
    'src/coherence/hold.ts',
    [
      'a released hold is kept',
      '    if (this.#over) return;\n    this.#over = true;\n    this.#end();',
      '    this.#over = true;',
    ],
    ['keys are taken in any order', '[...new Set(keys)].sort()', '[...new Set(keys)]'],
    ['a hold is renewed without end', 'return this.#agent.space.clock.now() < this.#until;', 'return true;'],
  ),
  ...of('src/coherence/compute.ts', [
    'a recipe’s patches are lost',
    'return { value, patches: patches };',
    'return { value, patches: [] };',
  ]),
  ...of('src/coherence/json.ts', [
    'a shared value stays the caller’s',
    'const copy = Object.freeze(Array.isArray(value) ? copyList(value, walk) : copyObject(value, walk));',
    'const copy = value;',
  ]),
  ...of(
    'src/coherence/transaction.ts',
    ['a second update buries another agent’s write', '(outdated || version', '(version'],
    [
      'a step that fails has published',
      '    this.#over = true;\n    this.#changes.clear();',
      '    await this.publish().catch(() => undefined);\n    this.#over = true;\n    this.#changes.clear();',
    ],
    ['what a step wrote is dropped', 'if (this.#changes.size === 0) return undefined;', 'return undefined;'],
  ),
  ...of(
    'actors/coherence/replica.ts',
    [
      'a write does not reach the copies',
      'if (sharer !== agent) this.own(sharer, cell, event);',
      "if (sharer !== agent && event !== 'SNOOP_PUT') this.own(sharer, cell, event);",
    ],
    [
      'a hold leaves copies readable',
      'if (sharer !== agent) this.own(sharer, cell, event);',
      "if (sharer !== agent && event !== 'SNOOP_GETM') this.own(sharer, cell, event);",
    ],
  ),
  ...of(
    'actors/coherence/entry.ts',
    [
      'a request for ownership is a cue',
      "intent === 'rfo' ? { type: 'fermata',",
      "intent === 'rfo' ? { type: 'cue',",
    ],
    [
      'signals of shared state reach steps',
      "const MEMORY = Object.freeze(['memory']);",
      "const MEMORY = Object.freeze(['*']);",
    ],
  ),
  ...of(
    'actors/coherence/memory.ts',
    ['values from another process can be changed', 'Object.isFrozen(value) ? value : freeze(value)', 'value'],
    ['a circle of waits is not found', 'if (circle !== undefined) return {', 'if (false) return {'],
  ),
  ...of(
    'actors/governor/governor.ts',
    ['every task gets a cheap model', '1.25 * frequencies', '0.25 * frequencies'],
    ['load is a product', 'return 1 - (1 - pressure) * (1 - failures);', 'return pressure * failures;'],
    ['the loosest limit counts', 'Math.min(...limits.values())', 'Math.max(...limits.values())'],
    ['a rejection does not boost', "    this.#actor.send({ type: 'BOOST' });", ''],
    ['a ceiling does not bind a climb', ' || next.frequency > memory.max', ''],
    ['an empty pool still counts', '    else this.#pools.delete(pool);\n', ''],
  ),
  ...of('src/routing/router.ts', [
    'the axes are swapped',
    'dynamics * Math.abs(dynamicsRank',
    'tempo * Math.abs(dynamicsRank',
  ]),
  ...of(
    'src/budget/budget.ts',
    [
      'what is under way is not counted',
      '- this.#spent[kind] - this.#reserved[kind];',
      '- this.#spent[kind];',
    ],
    ['a second report is booked', 'if (settled) return; //', '//'],
    ['what was set aside is not given back', '        this.#reserved[kind] -= bound[kind];\n', ''],
  ),
  ...of(
    'src/routing/throttle.ts',
    ['steps to come get no share', 'unspent / stepsLeft', 'unspent'],
    ['a costly rung is kept', 'if (cost > least) continue;', ''],
  ),
  ...of('src/budget/prices.ts', ['cached tokens are free', '+ read * cacheRead', '']),
  ...of('actors/tomasulo/ready-queue.ts', [
    'patience is without end',
    'if (this.#grants - since < this.#patience) break;',
    'break;',
  ]),
  ...of(
    'actors/tomasulo/dispatcher.ts',
    ['a batch does not wait', "this.#options.dispatch !== 'batch' || this.#admitted === 0", 'true'],
    ['short paths go first', 'if (longer !== 0) return longer > 0;', 'if (longer !== 0) return longer < 0;'],
    ['attacca does nothing', 'if (this.#options.program.steps[step]!.attacca) return Infinity;', ''],
    ['a tacet never ends', 'this.#units.get(agent.name)?.wake();', ''],
  ),
  ...of(
    'actors/tomasulo/signal-handler.ts',
    ['a refusal cancels all', 'if (signal.targets.includes(EVERYONE)) return', 'if (true) return'],
    [
      'a cue does not end a vamp',
      '      if (this.#isVamping(step, station)) orders.lastRounds.add(step);\n',
      '',
    ],
    [
      'an early cue is forgotten',
      "station === undefined && signal.intent === 'resume' && !kept.has(holdOfScore(step))",
      'false',
    ],
    [
      'a named performance is not all of it',
      'addresses(given.targets, this.#run.id) ? { ...given, targets: [EVERYONE] } : given',
      'given',
    ],
  ),
  ...of(
    'actors/tomasulo/holds.ts',
    ['an expired hold fails what it should resume', "held.hold.onTimeout === 'resume'", 'false'],
    [
      'a cue to one lifts the hold for all',
      'if (left !== undefined && isHeld(left, ...namesOf(step))) continue;',
      '',
    ],
  ),
  ...of(
    'actors/tomasulo/operands.ts',
    ['a faulty operand looks fulfilled', 'if (settled && tags.isFaulty(tag)) return', 'if (false) return'],
    [
      'a step reads its neighbour’s operand',
      'const tag = program.source[edge] as number;\n  const settled',
      'const tag = program.source[Math.max(0, edge - 1)] as number;\n  const settled',
    ],
  ),
  ...of(
    'actors/bus/freeze.ts',
    ['results can be changed', '    } else Object.freeze(item);', '    }'],
    ['the input is not copied', '  const result = copyOf(value) as T;', '  const result = value;'],
  ),
  ...of('actors/tomasulo/tag-table.ts', [
    'a value is lost',
    'if (this.#readersLeft[tag] !== 0) this.#values[tag] = value;',
    'if (this.#readersLeft[tag]! > 1) this.#values[tag] = value;',
  ]),
  ...of(
    'actors/tomasulo/issue-stage.ts',
    ['a downbeat is not waited for', 'step.downbeat && ', 'false && '],
    [
      'a refusal before issue is forgotten',
      '    if (refusal !== undefined) return this.#refuse(index, refusal);\n',
      '',
    ],
    ['an external effect is repeated', "step.effects === 'external' && !policy.repeatsEffect", 'false'],
  ),
  ...of('actors/tomasulo/retry.ts', [
    'back-off does not grow',
    'delayMs * factor ** (failures - 1)',
    'delayMs',
  ]),
  ...of(
    'actors/tomasulo/execute-stage.ts',
    ['a time-out of all steps is ignored', 'timeoutMs ?? options.timeout?.stepMs', 'timeoutMs'],
    [
      'a round does not find the last result',
      "operands['previous'] = station.result;",
      "operands['previous'] = undefined;",
    ],
    [
      'a budget of calls is ignored',
      'const refused = journal === undefined ? options.charge?.() : station.refusal;',
      'const refused = undefined;',
    ],
  ),
  ...of(
    'actors/tomasulo/write-stage.ts',
    [
      'a fault does not travel',
      '} else this.captureFault(station, fault);',
      '} else station.actor.send(OPERAND);',
    ],
    [
      'a refused publish is ignored',
      'published.catch((error: unknown) => this.#refused(tag, error));',
      'published.catch(() => undefined);',
    ],
  ),
  ...of(
    'actors/tomasulo/orchestrator.ts',
    [
      'the total time is not limited',
      'const timer = clock.setTimeout(this.#stopLate, leftMs);',
      'const timer = clock.setTimeout(() => {}, totalMs);',
    ],
    [
      'a closed bus is taken for a silent one',
      'complete: () => this.loseBus(new BusClosedError()),',
      'complete: () => {},',
    ],
  ),
  ...of(
    'actors/tomasulo/scopes.ts',
    ['a map lists its results as they come', 'scope.results[element] = result', 'scope.results.push(result)'],
    [
      'a round reads nothing of the round before',
      '{ ...scope.operands, ...frozen }',
      '{ ...scope.operands }',
    ],
  ),
  ...of('actors/tomasulo/dynamic-program.ts', [
    'the steps of an element read those of the first',
    'from === INPUT ? INPUT : first + from',
    'from === INPUT ? INPUT : base + from',
  ]),
  ...of('actors/tomasulo/execute-stage.ts', [
    'a step with `otherwise` is always performed',
    'if (above !== undefined && !declined.has(program.source[above]!))',
    'if (false)',
  ]),
  ...of('actors/tomasulo/program.ts', [
    'a name is bound to its first writer',
    'latest.set(writes ?? id, i);',
    'if (!latest.has(writes ?? id)) latest.set(writes ?? id, i);',
  ]),
];
