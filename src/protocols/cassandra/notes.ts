/** `Exchange.note`: what the reply means to the session. */
export const NOTE_STARTUP = 1
export const NOTE_AUTH = 2
export const NOTE_USE = 3
