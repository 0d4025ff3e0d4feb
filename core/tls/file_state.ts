/** A text that changes when the file does: its inode, size and time of change. */
export function stateOf(file: string): string {
  try {
    const { ino, size, mtime } = Deno.statSync(file);
    return `${ino} ${size} ${mtime?.getTime()}`;
  } catch {
    return "none";
  }
}
