/** A gRPC service of its four kinds of calls, and its client, by @grpc/grpc-js; messages are text. */
import { Buffer } from "node:buffer";
import {
  type ChannelCredentials,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  makeGenericClientConstructor,
  type MethodDefinition,
  type sendUnaryData,
  Server,
  type ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  status,
} from "@grpc/grpc-js";

function method(name: string, requestStream: boolean, responseStream: boolean): MethodDefinition<string, string> {
  const serialize = (text: string) => Buffer.from(text);
  const deserialize = (bytes: Buffer) => bytes.toString();
  return {
    path: `/dlba.Echo/${name}`,
    requestStream,
    responseStream,
    requestSerialize: serialize,
    requestDeserialize: deserialize,
    responseSerialize: serialize,
    responseDeserialize: deserialize,
  };
}

const SERVICE = {
  unary: method("Unary", false, false),
  serverStream: method("ServerStream", false, true),
  clientStream: method("ClientStream", true, false),
  both: method("Both", true, true),
};

export type Outcome = (error: ServiceError | null, value?: string) => void;

/** What the generic client has of {@linkcode SERVICE}. */
export interface EchoClient {
  unary(text: string, metadata: unknown, options: object, done: Outcome): ClientUnaryCall;
  serverStream(text: string): ClientReadableStream<string>;
  clientStream(done: Outcome): ClientWritableStream<string>;
  both(): ClientDuplexStream<string, string>;
  close(): void;
}

export function echoClient(address: string, credentials: ChannelCredentials, options: object = {}): EchoClient {
  const Client = makeGenericClientConstructor(SERVICE, "Echo");
  return new Client(address, credentials, options) as unknown as EchoClient;
}

/** Texts that make the service do something else than echo. */
export const FAIL = "fail";
export const HANG = "hang";

export class EchoServer {
  #server = new Server();
  port = 0;
  /** Calls that their client gave up. */
  cancelled = 0;
  /** Calls that began. */
  begun = 0;

  static async start(credentials: ServerCredentials): Promise<EchoServer> {
    const echo = new EchoServer();
    const server = echo.#server;
    server.addService(SERVICE, {
      unary: (call: ServerUnaryCall<string, string>, done: sendUnaryData<string>) => echo.#unary(call, done),
      serverStream: (call: ServerWritableStream<string, string>) => {
        echo.#watch(call);
        if (call.request === HANG) return;
        for (let i = 0; i < 5; i++) call.write(`${call.request} ${i}`);
        call.end();
      },
      clientStream: (call: ServerReadableStream<string, string>, done: sendUnaryData<string>) => {
        const texts: string[] = [];
        call.on("data", (text: string) => texts.push(text));
        call.on("end", () => done(null, texts.join(",")));
      },
      both: (call: ServerDuplexStream<string, string>) => {
        echo.#watch(call);
        call.on("data", (text: string) => call.write(`echo ${text}`));
        call.on("end", () => call.end());
      },
    });
    echo.port = await new Promise<number>((resolve, reject) =>
      server.bindAsync("127.0.0.1:0", credentials, (error, port) => error ? reject(error) : resolve(port))
    );
    return echo;
  }

  #watch(call: { on(event: "cancelled", heard: () => void): unknown }): void {
    this.begun++;
    call.on("cancelled", () => this.cancelled++);
  }

  #unary(call: ServerUnaryCall<string, string>, done: sendUnaryData<string>): void {
    this.#watch(call);
    if (call.request === FAIL) return done({ code: status.FAILED_PRECONDITION, details: "as asked" });
    if (call.request === HANG) return;
    done(null, `echo ${call.request}`);
  }

  // deno-lint-ignore require-await
  async close(): Promise<void> {
    this.#server.forceShutdown();
  }
}
