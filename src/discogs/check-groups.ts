/** The check tasks of `main`, in the order they are shown; `args[0]` of the check script. */
export const checkGroups = ['files', 'keys', 'references', 'values', 'drift', 'census'] as const

export type CheckGroup = (typeof checkGroups)[number]
