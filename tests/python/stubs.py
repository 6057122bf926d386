"""Generates the Python stubs from the protos at run time."""

import importlib
import importlib.resources
import sys
from types import SimpleNamespace

from grpc_tools import protoc


def generate(proto, folder):
    """Stubs of the packages an agency system needs, made in `folder`."""
    files = [
        *sorted((proto / "barid" / "message" / "v1").glob("*.proto")),
        *sorted((proto / "barid" / "audit" / "v1").glob("*.proto")),
        *sorted((proto / "barid" / "exchange" / "v1").glob("*.proto")),
    ]
    well_known = importlib.resources.files("grpc_tools") / "_proto"
    command = ["protoc", f"-I{proto}", f"-I{well_known}"]
    command += [f"--python_out={folder}", f"--grpc_python_out={folder}"]
    if protoc.main(command + [str(file) for file in files]) != 0:
        raise SystemExit("protoc failed")
    sys.path.insert(0, str(folder))
    modules = {
        "header": "barid.message.v1.header_pb2",
        "envelope": "barid.message.v1.envelope_pb2",
        "blocks": "barid.message.v1.blocks_pb2",
        "alert": "barid.message.v1.alert_pb2",
        "evidence": "barid.audit.v1.evidence_pb2",
        "exchange": "barid.exchange.v1.exchange_service_pb2",
        "exchange_grpc": "barid.exchange.v1.exchange_service_pb2_grpc",
    }
    loaded = {name: importlib.import_module(module) for name, module in modules.items()}
    return SimpleNamespace(**loaded)
