/** The programs of this machine. */

/** Where Debian keeps administrators' programs; the PATH that `su` gives lacks them. */
const SYSTEM_FOLDERS = ["/usr/sbin", "/sbin"];

/** Adds the folders of administrators' programs to the PATH of this process and of all that it starts. */
export function addSystemFolders(): void {
  const folders = searched();
  Deno.env.set("PATH", [...folders, ...SYSTEM_FOLDERS.filter((folder) => !folders.includes(folder))].join(":"));
}

/** Whether a program of that name is on the PATH. */
export function hasProgram(name: string): boolean {
  return searched().some((folder) => {
    try {
      return Deno.statSync(`${folder}/${name}`).isFile;
    } catch {
      return false;
    }
  });
}

function searched(): string[] {
  return (Deno.env.get("PATH") ?? "").split(":").filter(Boolean);
}
