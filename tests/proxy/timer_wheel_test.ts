import assert from "node:assert/strict";
import fc from "fast-check";
import { Timed, TimerWheel } from "../../core/proxy/timer_wheel.ts";
import "../soak.ts";

class Alarm extends Timed {
  firedAt: number | undefined;
  constructor(readonly clock: { now: number }, readonly onFire: () => void = () => {}) {
    super();
  }
  override onTimeout(): void {
    this.firedAt = this.clock.now;
    this.onFire();
  }
  override onDefect(error: unknown): void {
    throw error;
  }
}

const operation = fc.record({
  alarm: fc.nat(5),
  ms: fc.oneof(fc.nat(2000), fc.nat(300_000)),
  remove: fc.boolean(),
  wait: fc.nat(5000),
});

Deno.test("TimerWheel calls each within 200 ms after its last deadline, and none before or after its removal", () => {
  fc.assert(fc.property(fc.array(operation, { maxLength: 60 }), (operations) => {
    const clock = { now: 12_345 };
    const wheel = new TimerWheel(clock.now);
    const alarms = Array.from({ length: 6 }, () => new Alarm(clock));
    const due = new Map<Alarm, number>();
    for (const { alarm: index, ms, remove, wait } of operations) {
      const alarm = alarms[index]!;
      alarm.firedAt = undefined;
      if (remove) {
        wheel.remove(alarm);
        due.delete(alarm);
      } else {
        wheel.set(alarm, clock.now, ms);
        due.set(alarm, clock.now + ms);
      }
      for (let step = 0; step < wait; step += 50) {
        clock.now += 50;
        wheel.advance(clock.now);
        for (const [alarm, at] of due) {
          if (alarm.firedAt === undefined) assert.ok(clock.now < at + 200, `${clock.now - at} ms late`);
          else {
            assert.ok(alarm.firedAt >= at, "too early");
            due.delete(alarm);
            alarm.firedAt = undefined;
          }
        }
        for (const alarm of alarms) {
          assert.ok(due.has(alarm) || alarm.firedAt === undefined, "fired without a deadline");
        }
      }
    }
  }));
});

Deno.test("TimerWheel bears a time-out that removes its neighbours or sets itself again", () => {
  const clock = { now: 0 };
  const wheel = new TimerWheel(0);
  const victim = new Alarm(clock);
  let rounds = 0;
  const killer: Alarm = new Alarm(clock, () => {
    wheel.remove(victim);
    if (++rounds < 3) wheel.set(killer, clock.now, 100);
  });
  wheel.set(victim, 0, 500);
  wheel.set(killer, 0, 500);
  for (clock.now = 0; clock.now < 2000; clock.now += 100) wheel.advance(clock.now);
  assert.equal(rounds, 3);
  assert.equal(victim.firedAt, undefined);
});
