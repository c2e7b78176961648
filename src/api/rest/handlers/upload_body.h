// The body of a PUT that goes into a file store, whole or in pieces, and its answers: docs/files.md.
#pragma once

#include <functional>
#include <memory>

#include "api/rest/message.h"
#include "service/file_store.h"
#include "tasks/uploads.h"

namespace ns {

Response FileResponse(int status, const StoredFile& file);
Response PartResponse(int status, const PartialFile& part);

// By the headers and the query; the name is {name} of the path. InvalidArgument (BAD_RANGE, BAD_DIGEST).
Result<UploadRequest> ReadUpload(const Request& head);

// The sink of an upload that has begun; of one that was refused none, and the answer is given. `part` tells what has arrived of the file.
std::unique_ptr<BodySink> UploadBody(Result<std::unique_ptr<Upload>> upload, std::function<Result<PartialFile>()> part, const Responder& respond);

}  // namespace ns
