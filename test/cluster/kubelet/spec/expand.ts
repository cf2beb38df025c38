/**
 * `$(NAME)` in command, args and env values, as Kubernetes replaces it: `$$(NAME)` stays `$(NAME)`, and a name that
 * is not known stays as it is written.
 */
export function expand(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replace(/\$(\$|\(([^()]*)\))/g, (match, what: string, name: string | undefined) => {
    if (what === '$') return '$'
    return (name === undefined ? undefined : variables.get(name)) ?? match
  })
}
