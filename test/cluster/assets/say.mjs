export function say(text) {
  process.stderr.write(`${text}\n`)
}

/** The command cannot be obeyed: one line that says what to do. */
export function fail(text) {
  process.stderr.write(`managed-dhcp: ${text}\n`)
  process.exit(2)
}
