import { setTimeout as wait } from 'node:timers/promises'
import { eventually } from '../../e2e/support/eventually.ts'
import type { Machine } from './machines.ts'
import type { Recorder } from './recorder.ts'

/** Longer than a client goes on asking: by then it has given its lease up, and the history says so. */
const PATIENCE_SECONDS = 60
const PAUSE_MS = 300

/**
 * Asks for a renewal, once, and waits until it is answered: asked again in between, udhcpc would give its lease up and
 * start over. One that does it by itself, because nobody answers, is let down.
 * @returns how long that took, in milliseconds
 */
export async function renewOnce(
  machine: Machine,
  { recorder, now }: { readonly recorder: Recorder; readonly now: () => number },
): Promise<number> {
  const asked = now()
  // What it is answered is in the recorder's history.
  machine.client.renew().catch(() => {})
  const isAnswered = () => ((recorder.lastAcked(machine.mac) ?? 0) > asked ? true : undefined)
  await eventually(`an answer to ${machine.name}`, isAnswered, { seconds: PATIENCE_SECONDS, pauseMs: 20 })
  return (recorder.lastAcked(machine.mac) ?? 0) - asked
}

/**
 * Renews again and again while a fault lasts, and once more after it.
 * @returns the longest time that it waited for an answer, in milliseconds
 */
export async function renewThrough(
  machine: Machine,
  over: Promise<unknown>,
  parts: Parameters<typeof renewOnce>[1],
): Promise<number> {
  let isOver = false
  const end = () => {
    isOver = true
  }
  over.then(end, end)
  let longest = 0
  while (!isOver) {
    longest = Math.max(longest, await renewOnce(machine, parts))
    await wait(PAUSE_MS)
  }
  return Math.max(longest, await renewOnce(machine, parts))
}
