interface Member {
  readonly pattern: string
  readonly queue: string | undefined
}

/** Who of the subscriptions that match gets a message: each that is in no queue, and one of each queue group in turn. */
export class QueueGroups<Subscription extends Member> {
  /** How many messages each group was given. */
  readonly #turns = new Map<string, number>()

  choose(matching: readonly Subscription[]): Subscription[] {
    const chosen: Subscription[] = []
    const groups = new Map<string, Subscription[]>()
    for (const subscription of matching) {
      if (subscription.queue === undefined) {
        chosen.push(subscription)
        continue
      }
      const group = groupOf(subscription)
      const members = groups.get(group)
      if (members) members.push(subscription)
      else groups.set(group, [subscription])
    }
    for (const [group, members] of groups) {
      const turn = this.#turns.get(group) ?? 0
      this.#turns.set(group, turn + 1)
      const member = members[turn % members.length]
      if (member) chosen.push(member)
    }
    return chosen
  }

  /** A member has gone: the group's others, if any, start a new round. */
  left(member: Subscription): void {
    this.#turns.delete(groupOf(member))
  }
}

function groupOf({ queue, pattern }: Member): string {
  return `${queue} ${pattern}`
}
