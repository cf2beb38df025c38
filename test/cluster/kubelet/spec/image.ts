import type { Container } from './container-schema.ts'
import { expand } from './expand.ts'

/** What stands for a container image: programs of this machine. */
export interface Image {
  readonly entrypoint: readonly string[]
  readonly cmd?: readonly string[]
  /** Default 0. */
  readonly user?: number
  readonly group?: number
  readonly workingDir?: string
  readonly env?: Readonly<Record<string, string>>
  /** Files and folders of this machine that the image brings, read-only, where /usr and the like are not enough. */
  readonly paths?: readonly string[]
}

/** Image name, exact or with one `*` at its end, to what runs. */
export type ImageTable = Readonly<Record<string, Image>>

export function findImage(table: ImageTable, name: string): Image | undefined {
  const exact = table[name]
  if (exact !== undefined) return exact
  const pattern = Object.keys(table)
    .filter((key) => key.endsWith('*') && name.startsWith(key.slice(0, -1)))
    .sort((a, b) => b.length - a.length)[0]
  return pattern === undefined ? undefined : table[pattern]
}

/** `command` replaces ENTRYPOINT and CMD, `args` replaces CMD; `$(NAME)` is replaced in both. */
export function commandLineOf(
  image: Image,
  container: Pick<Container, 'command' | 'args'>,
  environment: ReadonlyMap<string, string>,
): string[] {
  const expanded = (words: readonly string[]) => words.map((word) => expand(word, environment))
  const { command, args } = container
  if (command !== undefined && command.length > 0) return expanded([...command, ...(args ?? [])])
  return [...image.entrypoint, ...(args === undefined ? (image.cmd ?? []) : expanded(args))]
}
