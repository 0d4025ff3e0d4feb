import { buildCommand } from "@stricli/core";

/** Hidden: a web server of the laboratory, in a process of its own. */
export const labWeb = buildCommand({
  loader: async () => {
    const { obeySupervisor } = await import("../core/node/role.ts");
    const { runWebServer } = await import("../core/lab/web_server.ts");
    return async (_flags: Record<never, never>, name: string, listen: string) => {
      obeySupervisor();
      const [address, port] = listen.split(":");
      await runWebServer(name, { address: address!, port: Number(port) });
    };
  },
  parameters: {
    positional: {
      kind: "tuple",
      parameters: [
        { brief: "Name it answers with", parse: (input: string) => input, placeholder: "NAME" },
        { brief: "Where it listens, as 10.0.0.21:8080", parse: (input: string) => input, placeholder: "ADDRESS:PORT" },
      ],
    },
  },
  docs: { brief: "Run a web server of the laboratory" },
});
