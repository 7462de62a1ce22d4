/** The shells for which there is a script. */
export const shells: readonly string[] = ["bash", "zsh", "fish"];

/**
 * In place of a shell's name: the scripts ask with it what can follow on the words behind it. No
 * flag, so that nothing of those words is read as one of ours.
 */
export const candidatesWord = "candidates";
