export const doubler = 2
