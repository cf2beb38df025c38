import { readFileSync } from 'node:fs'
import * as z from 'zod'
import { packageFile } from '../runtime/package-root.ts'

/** Of package.json. */
export const VERSION = z
  .object({ version: z.string() })
  .parse(JSON.parse(readFileSync(packageFile('package.json'), 'utf8'))).version
