import { tellStory } from '../../simulations/report/story.ts'
import { renderTimeline } from '../../simulations/report/timeline.ts'
import type { RunResult } from '../../simulations/runner/result.ts'

/** What a run violated, as a story with the command that replays it; undefined when it violated nothing. */
export function storyOf({ plan, violations, trace = [] }: RunResult): string | undefined {
  const [violation] = violations
  if (violation === undefined) return undefined
  const text = renderTimeline(tellStory(trace, violation, plan), plan, { width: 120, isColoured: false })
  return `\n${text}`
}
