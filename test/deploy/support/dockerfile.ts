export interface Instruction {
  readonly name: string
  /** With continuation lines joined, and the file's ARGs filled in. */
  readonly text: string
}

export interface Stage {
  readonly base: string
  /** Without one, it is the image. */
  readonly name: string | undefined
  readonly instructions: readonly Instruction[]
}

/** The stages of a Dockerfile of the plain kind: no heredocs, no escapes but line ends. */
export function parseDockerfile(source: string): Stage[] {
  const stages: { base: string; name: string | undefined; instructions: Instruction[] }[] = []
  const values = new Map<string, string>()
  for (const line of logicalLines(source)) {
    const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/s.exec(line) ?? []
    if (name === '') throw new Error(`not an instruction: ${line}`)
    const text = rest.replaceAll(/\$\{(\w+)\}/g, (whole, key) => values.get(key) ?? whole)
    if (name === 'ARG') {
      const [key = '', value = ''] = text.split('=')
      values.set(key, value)
    } else if (name === 'FROM') {
      const [base = '', , stage] = text.split(/\s+/)
      stages.push({ base, name: stage, instructions: [] })
    } else {
      stages.at(-1)?.instructions.push({ name, text })
    }
  }
  return stages
}

function logicalLines(source: string): string[] {
  const lines = source.split('\n').filter((line) => !/^\s*#/.test(line))
  return lines
    .join('\n')
    .replaceAll(/\\\n\s*/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

/** Which files of the context a .dockerignore lets in: the last pattern that matches a path or a folder above decides. */
export function contextFilter(dockerignore: string): (path: string) => boolean {
  const patterns = dockerignore
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ lets: line.startsWith('!'), pattern: line.replace(/^!/, '') }))
  return (path) =>
    patterns.reduce((lets, rule) => {
      const matches = rule.pattern === '*' || path === rule.pattern || path.startsWith(`${rule.pattern}/`)
      return matches ? rule.lets : lets
    }, true)
}
