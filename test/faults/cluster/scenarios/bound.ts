/** Within which everybody has what he asked for, whatever was struck: twice and more of what is measured. */
export const BOUND_SECONDS = 40
