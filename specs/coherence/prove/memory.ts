/** Memory's side of a step: the rules of `actors/coherence/memory.ts`, method by method, for any number of agents. A test
 *  compares every step with that code.
 *
 *  Where it does no harm, these rules allow more than the code does: any agent of the queue may be next (the order of a
 *  queue decides which agent waits, and not which may write); a reclaim of the current epoch comes at any time (several
 *  managers may each have sent one); and a CAS may find its base current or not (an atomic publish of several keys may
 *  fail because of another key). What is proved of more steps also holds of fewer. */
import type { Faults } from '../../../actors/coherence/faults.ts';
import type { StepUnderWay } from './line.ts';
import { none, type Logic, type Of } from './logic.ts';

/** Rules of memory that can be left out, to see how the proof fails. */
export type ProveFaults = Pick<
  Faults,
  'ignoreEpoch' | 'ignoreVersion' | 'ignoreHoldInCas' | 'reclaimStale' | 'noHold'
>;

/** The agents of a step, and its free choices. */
export interface Choice<B, A> {
  /** The agent that sends the event or the word. */
  readonly agent: A;
  /** The agent that is granted the key next, if any waits. */
  readonly next: A;
  /** Whether a CAS finds its base current, and a reclaim its epoch. */
  readonly current: B;
}

/** Applies one entry; each method is one kind. */
export class Arbiter<B, A> {
  readonly #run: StepUnderWay<B, A>;
  readonly #logic: Logic<B, A>;
  readonly #wait: B;
  readonly #choice: Choice<B, A>;
  readonly #faults: ProveFaults;
  readonly #waiting: B;
  readonly #none: Of<B, A>;
  readonly #itself: Of<B, A>;
  readonly #others: Of<B, A>;

  constructor(run: StepUnderWay<B, A>, committed: B, choice: Choice<B, A>, faults: ProveFaults) {
    const { logic, key } = run;
    this.#run = run;
    this.#logic = logic;
    this.#wait = logic.not(committed);
    this.#choice = choice;
    this.#faults = faults;
    this.#waiting = logic.not(none(logic, key.is.queue));
    this.#none = () => logic.no;
    this.#itself = (a) => logic.same(a, choice.agent);
    this.#others = (a) => logic.not(logic.same(a, choice.agent));
  }

  gets(): void {
    const run = this.#run;
    const { not, and, all, or } = this.#logic;
    const { held, is } = run.key;
    run.when(
      and(held, not(is.owner(this.#choice.agent)), this.#wait),
      () => this.#waits('readers'),
      () => {
        run.when(not(held), () => run.set('owner', this.#none));
        run.add('sharers', this.#itself);
        run.tell('SNOOP_GETS', this.#others);
        const { sharers } = run.key.is;
        run.when(
          and(
            not(held),
            all((a) => or(not(sharers(a)), this.#itself(a))),
          ),
          () => {
            run.set('owner', this.#itself);
            this.#newEpoch();
            run.tell('GRANT_E', this.#itself);
          },
          () => run.tell('GRANT_S', this.#itself),
        );
      },
    );
  }
  getm(): void {
    const run = this.#run;
    run.when(
      this.#faults.noHold ? this.#logic.no : this.#taken,
      () => this.#waits('queue'),
      () => this.#grant(this.#choice.agent),
    );
  }
  put(): void {
    const run = this.#run;
    const { agent } = this.#choice;
    const { yes, and } = this.#logic;
    const { owner, token, base } = run.key.is;
    const right = and(owner(agent), token(agent));
    run.when(
      and(this.#faults.ignoreEpoch ? yes : right, this.#faults.ignoreVersion ? yes : base(agent)),
      () => {
        this.#only(right, 'writes by a right that is gone');
        this.#only(base(agent), 'buries a version that it has not seen');
        this.#commit(yes);
      },
      () => run.tell('REFUSED', this.#itself),
    );
  }
  cas(): void {
    const { agent, current } = this.#choice;
    const { yes, and, not } = this.#logic;
    const { held, is } = this.#run.key;
    const free = not(this.#taken);
    const byLine = and(is.owner(agent), held);
    const { ignoreVersion, ignoreHoldInCas } = this.#faults;
    this.#run.when(and(ignoreVersion ? yes : current, ignoreHoldInCas ? yes : free), () => {
      this.#only(free, 'writes what another holds');
      this.#only(current, 'buries a version that it has not seen');
      this.#commit(byLine);
    });
  }
  release(): void {
    const run = this.#run;
    const { agent } = this.#choice;
    const { held, is } = run.key;
    run.when(
      is.queue(agent),
      () => {
        run.remove('queue', this.#itself);
        run.tell('RELEASED', this.#itself);
      },
      () =>
        run.when(this.#logic.and(held, is.owner(agent)), () => {
          run.hold(this.#logic.no);
          run.tell('RELEASED', this.#itself);
          this.#afterHold();
        }),
    );
  }
  evict(): void {
    const run = this.#run;
    run.remove('sharers', this.#itself);
    run.when(run.key.is.owner(this.#choice.agent), () => {
      run.set('owner', this.#none);
      run.hold(this.#logic.no);
      this.#afterHold();
    });
  }
  reclaim(): void {
    const run = this.#run;
    const { yes, and, not } = this.#logic;
    const { owner } = run.key.is;
    const valid = this.#faults.reclaimStale ? yes : this.#choice.current;
    run.when(and(not(none(this.#logic, owner)), valid), () => {
      run.mishap('loses the key to a reclaim of the past', (a) => and(owner(a), not(this.#choice.current)));
      run.set('owner', this.#none);
      run.hold(this.#logic.no);
      run.tell('RECLAIMED', owner);
      this.#afterHold();
    });
  }

  /** The agent waits; an agent that waits already must not. */
  #waits(flag: 'queue' | 'readers'): void {
    const { [flag]: waiting } = this.#run.key.is;
    this.#only(this.#logic.not(waiting(this.#choice.agent)), `waits twice among the ${flag}`);
    this.#run.add(flag, this.#itself);
  }
  /** The agent must not do this unless the condition holds, also where a fault lets it pass. */
  #only(condition: B, what: string): void {
    this.#run.mishap(what, (a) => this.#logic.and(this.#itself(a), this.#logic.not(condition)));
  }
  /** Another agent holds the key. */
  get #taken(): B {
    const { held, is } = this.#run.key;
    return this.#logic.and(held, this.#logic.not(is.owner(this.#choice.agent)));
  }
  #grant(agent: A): void {
    const run = this.#run;
    const owner = (a: A) => this.#logic.same(a, agent);
    run.set('owner', owner);
    this.#newEpoch();
    run.hold(this.#logic.yes);
    run.when(this.#wait, () => run.set('sharers', this.#none));
    run.add('sharers', owner);
    run.tell('SNOOP_GETM', (a) => this.#logic.not(owner(a)));
    run.tell('GRANT_M', owner);
  }
  #commit(byLine: B): void {
    const run = this.#run;
    run.set('fresh', this.#none); // a new version
    run.set('base', this.#none);
    run.set('sharers', this.#none);
    run.tell('SNOOP_PUT', this.#others);
    run.when(
      byLine,
      () => {
        run.add('sharers', this.#itself);
        run.hold(this.#logic.no);
        run.tell('ACCEPTED', this.#itself);
        this.#afterHold();
      },
      () => {
        run.tell('SNOOP_PUT', this.#itself);
        run.when(this.#logic.not(run.key.held), () => run.set('owner', this.#none));
      },
    );
  }
  /** Agents that waited for a copy get it, then the next writer has its turn. */
  #afterHold(): void {
    const run = this.#run;
    const { or, not, all, same } = this.#logic;
    const { readers, owner } = run.key.is;
    run.add('sharers', readers);
    run.tell('GRANT_S', readers);
    run.set('readers', this.#none);
    const { sharers } = run.key.is;
    const present = all((a) => or(not(owner(a)), sharers(a)));
    const alone = all((a) => all((b) => or(not(owner(a)), not(sharers(b)), same(a, b))));
    run.when(or(not(present), not(alone)), () => {
      run.set('owner', this.#none);
      run.tell('SNOOP_GETS', owner);
    });
    run.when(this.#waiting, () => {
      run.remove('queue', (a) => same(a, this.#choice.next));
      this.#grant(this.#choice.next);
    });
  }
  #newEpoch(): void {
    this.#run.set('mine', this.#none);
    this.#run.set('token', this.#none);
  }
}
