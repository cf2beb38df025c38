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
  if (fault.type === 'packets' && fault.corrupted > 0) simpler.push({ ...fault, corrupted: 0 })
  if (isPartial(fault.lost)) simpler.push({ ...fault, lost: 1 })
  if (isPartial(fault.doubled)) simpler.push({ ...fault, doubled: 1 })
  if (isPartial(fault.delayed)) simpler.push({ ...fault, delayed: 1 })
  if (fault.type === 'packets' && isPartial(fault.corrupted)) simpler.push({ ...fault, corrupted: 1 })
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
      return shorter(fault.upToMs).map((upToMs) => ({ ...fault, upToMs }))
    case 'stale-lists':
      return shorter(fault.behindMs).map((behindMs) => ({ ...fault, behindMs }))
    case 'clock-jump':
      return shorter(Math.abs(fault.byMs)).map((byMs) => ({ ...fault, byMs: Math.sign(fault.byMs) * byMs }))
    case 'crash':
      return fault.moment === 'now' ? [] : [{ ...fault, moment: 'now' }]
    default:
      return []
  }
}

/** A quarter, else a half. */
function shorter(ms: number): number[] {
  return ms <= SHORT ? [] : [Math.ceil(ms / 4), Math.ceil(ms / 2)]
}
