"""gRPC stubs made from a proto file, each set with messages of its own: two files that name the same package don't meet."""
import importlib.util
import pathlib
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

HERE = pathlib.Path(__file__).resolve().parent
ORIGINAL = HERE / "data/original.proto"
OURS = HERE.parents[1] / "proto/neural_solution.proto"


class Stubs:
    """`stubs.Task(...)` makes a message, `stubs.call(channel, "Ping")` a callable."""

    def __init__(self, proto, folder):
        out = pathlib.Path(folder) / (proto.stem + ".set")
        well_known = pathlib.Path(importlib.util.find_spec("grpc_tools").origin).parent / "_proto"
        code = protoc.main(["protoc", f"-I{proto.parent}", f"-I{well_known}", "--include_imports", f"--descriptor_set_out={out}", str(proto)])
        if code:
            raise RuntimeError(f"protoc failed on {proto}")
        files = descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())
        self.pool = descriptor_pool.DescriptorPool()
        for file in files.file:
            self.pool.Add(file) if hasattr(self.pool, "Add") else self.pool.AddSerializedFile(file.SerializeToString())
        self.service = self.pool.FindServiceByName("neural_solution.TaskService")

    def __getattr__(self, name):
        return message_factory.GetMessageClass(self.pool.FindMessageTypeByName(f"neural_solution.{name}"))

    def call(self, channel, name):
        method = self.service.methods_by_name[name]
        answer = message_factory.GetMessageClass(method.output_type)
        kind = {(False, False): channel.unary_unary, (False, True): channel.unary_stream, (True, False): channel.stream_unary}
        return kind[method.client_streaming, method.server_streaming](
            f"/neural_solution.TaskService/{name}", request_serializer=lambda m: m.SerializeToString(), response_deserializer=answer.FromString)


def empty(stubs):
    return message_factory.GetMessageClass(stubs.pool.FindMessageTypeByName("google.protobuf.Empty"))()


def channel_to(port, *, credentials=None, host="127.0.0.1"):
    options = [("grpc.enable_http_proxy", 0)]
    if credentials is not None:
        return grpc.secure_channel(f"{host}:{port}", credentials, options)
    return grpc.insecure_channel(f"{host}:{port}", options)


if __name__ == "__main__":
    sys.exit("imported by the tests")
