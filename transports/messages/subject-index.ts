interface Node<Value> {
  tokens: Map<string, Node<Value>>
  /** Values whose pattern ends here. */
  here: Set<Value>
  /** Values whose pattern goes on with `>`, its last token. */
  rest: Set<Value>
}

/** Which patterns match a subject: a tree by token, so that the cost is that of the subject, not of all patterns. */
export class SubjectIndex<Value> {
  readonly #root: Node<Value> = emptyNode()

  /** `pattern` is taken to be valid (`checkPattern`). */
  add(pattern: string, value: Value): void {
    let node = this.#root
    for (const token of pattern.split('.')) {
      if (token === '>') {
        node.rest.add(value)
        return
      }
      let next = node.tokens.get(token)
      if (!next) {
        next = emptyNode()
        node.tokens.set(token, next)
      }
      node = next
    }
    node.here.add(value)
  }

  remove(pattern: string, value: Value): void {
    removeFrom(this.#root, pattern.split('.'), 0, value)
  }

  match(subject: string): Value[] {
    const found: Value[] = []
    collect(this.#root, subject.split('.'), 0, found)
    return found
  }

  get empty(): boolean {
    return isEmpty(this.#root)
  }
}

function emptyNode<Value>(): Node<Value> {
  return { tokens: new Map(), here: new Set(), rest: new Set() }
}

function isEmpty<Value>(node: Node<Value>): boolean {
  return node.tokens.size === 0 && node.here.size === 0 && node.rest.size === 0
}

function collect<Value>(node: Node<Value>, subject: string[], depth: number, found: Value[]): void {
  const token = subject[depth]
  if (token === undefined) {
    for (const value of node.here) found.push(value)
    return
  }
  for (const value of node.rest) found.push(value)
  const exact = node.tokens.get(token)
  if (exact) collect(exact, subject, depth + 1, found)
  const any = node.tokens.get('*')
  if (any && any !== exact) collect(any, subject, depth + 1, found)
}

/** Branches that end in nothing go away, so that subjects that come and go leave nothing behind. */
function removeFrom<Value>(node: Node<Value>, pattern: string[], depth: number, value: Value): void {
  const token = pattern[depth]
  if (token === undefined) {
    node.here.delete(value)
  } else if (token === '>') {
    node.rest.delete(value)
  } else {
    const next = node.tokens.get(token)
    if (!next) return
    removeFrom(next, pattern, depth + 1, value)
    if (isEmpty(next)) node.tokens.delete(token)
  }
}
