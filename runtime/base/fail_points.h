// Every fail point, by name: the part of the path it stands in, and what the moment is that a death or an error can come in. A point that
// is used and not listed here does not compile with WEIR_FAULTS; one that is listed and not used fails tests/style. `weir-faults
// fail-points` prints the list; tests/integration/sweep goes through it, each point once with a death and once with an error.
#pragma once
#include <string_view>

namespace weir::faults {

struct FailPoint {
  std::string_view name;  // [a-z_]+
  std::string_view area;
  std::string_view meaning;
};

inline constexpr FailPoint kFailPoints[] = {
    {"door_after_append", "append", "a door that reads has handed a group to the log and its batches to their partitions"},
    {"http_door_after_append", "append", "the HTTP door has handed a request's events to the log; nobody was answered"},
    {"http_door_before_answer", "append", "a request's events are durable, or given up; its client does not know"},
    {"journal_before_write", "append", "a frame of the ingest or output journal is made and not written"},
    {"journal_after_write_before_sync", "append", "the frame is written and not synced"},
    {"journal_after_sync", "append", "the frame is durable; nobody was told"},
    {"journal_segment_switch", "append", "a journal's segment is full and the next one not begun"},
    {"journal_checkpoint", "append", "the checkpoint of a journal's index is due and not written"},
    {"committer_before_commit", "commit", "a commit group is put together and not handed to the log"},
    {"committer_after_commit", "commit", "the log has decided on a commit group; no partition was told"},
    {"run_before_finished_mark", "commit", "a run has printed its summary; its inputs are not marked as read"},
    {"views_before_flush", "flush", "a partition's delta is sealed and not handed to its store"},
    {"flush_table_written", "flush", "the table with the delta is written and synced, and not taken into the store"},
    {"flush_taken_in", "flush", "the store has taken the table in; its directory is not synced"},
    {"views_after_flush", "flush", "the flush is durable; the partition was not told"},
    {"snapshot_before_publish", "snapshot", "a checkpoint of a state is made and described; nothing is copied"},
    {"snapshot_published", "snapshot", "a snapshot is published; older ones are not removed"},
    {"publish_file_copied", "publish", "a file of a snapshot is copied and not under its name"},
    {"publish_before_manifest", "publish", "all files of a snapshot are durable; its manifest is not written"},
    {"restore_file_taken", "restore", "one file of a snapshot is restored aside, the others are not"},
    {"restore_before_rename", "restore", "a whole state is restored aside and checked; it is not in its place"},
    {"restore_between_renames", "restore", "the old state is out of the way, the restored one not in its place"},
    {"trim_before_horizon", "trim", "a journal has decided what may go; its horizon is not written"},
    {"trim_after_horizon", "trim", "the horizon is durable; no segment was given back"},
    {"trim_before_retire", "trim", "a segment is needed by nobody and not given back"},
    {"carry_before_rename", "carry-over", "what a partition that lags needs of a segment is copied and not under its name"},
    {"carry_done", "carry-over", "everything needed of a segment lies in side files; the segment is still there"},
    {"carry_before_removal", "carry-over", "a side file is needed by nobody and still there"},
    {"retry_due", "retry", "a parked event is due and taken for its next try"},
    {"retry_parked", "retry", "a batch with an event to be parked is sealed and not committed"},
    {"redrive_prepared", "redrive", "an order for dead letters is made a commit and not handed to the committer"},
    {"redrive_before_answer", "redrive", "the commit of an order is applied; who gave it was not answered"},
    {"sink_before_prepare", "sink", "a sink's files are written and not synced"},
    {"sink_prepared", "sink", "a sink's files are durable and hidden; the cursor does not know of them"},
    {"sink_before_publish", "sink", "the cursor knows of a sink's files; none of them is shown"},
    {"sink_between_files", "sink", "one of a sink's files is shown, the others may not be"},
    {"view_drop_partition_done", "view", "the rows of a view are gone from one partition, from others not"},
};

/// Nothing else compiles. Names are told apart by their text alone.
constexpr bool listed(std::string_view name) {
  for (const FailPoint& point : kFailPoints)
    if (point.name == name) return true;
  return false;
}

}  // namespace weir::faults
