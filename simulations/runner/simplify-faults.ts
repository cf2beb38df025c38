import type { Fault } from '../plan/faults.ts'
import type { Plan } from '../plan/plan.ts'

/** Shorter lengths of time are as easy to read as this one. */
const SHORT = 1000

/** The plan with one of its faults simpler: happening always or never, over sooner, shorter. */
export function simplerFaults(plan: Plan): Plan[] {
  return plan.faults.flatMap((fault, index) =>
    [...shares(fault), ...lengths(fault), ...amounts(fault)].map((simpler) => ({
      ...plan,
      faults: plan.faults.with(index, simpler),
    })),
  )
}

/** Never, else always: what then happens does not hang on chance. */
function shares(fault: Fault): Fault[] {
  if (fault.type === 'api-errors') return fault.share < 1 ? [{ ...fault, share: 1 }] : []
  if (fault.type !== 'messages' && fault.type !== 'packets') return []
  const simpler: Fault[] = []
  const isPartial = (share: number) => share > 0 && share < 1
  if (fault.lost > 0) simpler.push({ ...fault, lost: 0 })
  if (fault.doubled > 0) simpler.push({ ...fault, doubled: 0 })
  if (fault.delayed > 0) simpler.push({ ...fault, delayed: 0 })
  const { corrupted = 0 } = fault
  if (corrupted > 0) simpler.push({ ...fault, corrupted: 0 })
  if (isPartial(fault.lost)) simpler.push({ ...fault, lost: 1 })
  if (isPartial(fault.doubled)) simpler.push({ ...fault, doubled: 1 })
  if (isPartial(fault.delayed)) simpler.push({ ...fault, delayed: 1 })
  if (isPartial(corrupted)) simpler.push({ ...fault, corrupted: 1 })
  return simpler
}

/** Over sooner, or begun later. */
function lengths(fault: Fault): Fault[] {
  if (fault.type === 'crash') return shorter(fault.downMs).map((downMs) => ({ ...fault, downMs }))
  if (!('lasts' in fault)) return []
  return shorter(fault.lasts).flatMap((lasts): Fault[] => [
    { ...fault, lasts },
    { ...fault, at: fault.at + fault.lasts - lasts, lasts },
  ])
}

function amounts(fault: Fault): Fault[] {
  switch (fault.type) {
    case 'messages':
    case 'packets':
      return fault.delayed === 0 ? [] : shorter(fault.delayMs).map((delayMs) => ({ ...fault, delayMs }))
    case 'api-slow':
    case 'watch-lag':
      return shorter(fault.upToMs).map((upToMs) => ({ ...fault, upToMs }))
    case 'stale-lists':
      return shorter(fault.behindMs).map((behindMs) => ({ ...fault, behindMs }))
    case 'clock-jump':
      return shorter(Math.abs(fault.byMs)).map((byMs) => ({ ...fault, byMs: Math.sign(fault.byMs) * byMs }))
    case 'crash':
    case 'pause':
      return simplerMoments(fault)
    case 'watches':
      return simplerWatches(fault)
    default:
      return []
  }
}

/** At once, else at the first time, else sooner. */
function simplerMoments(fault: Extract<Fault, { type: 'crash' | 'pause' }>): Fault[] {
  const { moment = 'now', nth = 1, ...rest } = fault
  if (moment === 'now') return []
  const { nth: _, ...first } = fault
  const sooner = nth > 2 ? [{ ...fault, nth: Math.ceil(nth / 2) }] : []
  return [{ ...rest, moment: 'now' }, ...(nth > 1 ? [first, ...sooner] : [])]
}

/** A watch that breaks off is easier to understand than one that keeps something back. */
function simplerWatches(fault: Extract<Fault, { type: 'watches' }>): Fault[] {
  const { gapMs = 0, changes = 1, ...plain } = fault
  if (fault.how === 'ended') {
    return [{ ...plain, how: 'closed' }, ...shorter(gapMs).map((gap) => ({ ...fault, gapMs: gap }))]
  }
  return fault.how === 'missed' && changes > 1 ? [{ ...fault, changes: 1 }] : []
}

/** A quarter, else a half. */
function shorter(ms: number): number[] {
  return ms <= SHORT ? [] : [Math.ceil(ms / 4), Math.ceil(ms / 2)]
}
