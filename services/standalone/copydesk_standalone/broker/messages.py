"""The requests and responses this broker speaks, as data. ``schema`` explains the notation.

Tagged fields are left out on purpose: requests' are skipped, responses carry none (librdkafka before 2.2.0, which
is what Debian 12's kcat has, fails on tags inside ApiVersions).
Source: https://github.com/apache/kafka/tree/trunk/clients/src/main/resources/common/message
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Api:
    """One API: its key, the versions handled, the first flexible version, and both layouts."""

    key: int
    name: str
    first: int
    last: int
    flexible: int
    request: str
    response: str


_NO_OPERATIONS = -2147483648

APIS = (
    Api(
        0, "Produce", 3, 10, 9,
        "transactional_id:string? acks:i16 timeout_ms:i32 topics:[name:string partitions:[index:i32 records:records?]]",
        "topics:[name:string partitions:[index:i32 error_code:i16 base_offset:i64 log_append_time_ms:i64=-1"
        " log_start_offset:i64=-1@5 record_errors:[batch_index:i32 message:string?]@8 error_message:string?@8]]"
        " throttle_time_ms:i32",
    ),
    Api(
        1, "Fetch", 4, 16, 12,
        "replica_id:i32@0-14 max_wait_ms:i32 min_bytes:i32 max_bytes:i32 isolation_level:i8 session_id:i32@7"
        " session_epoch:i32=-1@7 topics:[topic:string@0-12 topic_id:uuid@13 partitions:[partition:i32"
        " current_leader_epoch:i32=-1@9 fetch_offset:i64 last_fetched_epoch:i32=-1@12 log_start_offset:i64=-1@5"
        " partition_max_bytes:i32]] forgotten:[topic:string@7-12 topic_id:uuid@13 partitions:[i32]]@7"
        " rack_id:string@11",
        "throttle_time_ms:i32 error_code:i16@7 session_id:i32@7 topics:[topic:string@0-12 topic_id:uuid@13"
        " partitions:[index:i32 error_code:i16 high_watermark:i64 last_stable_offset:i64 log_start_offset:i64=-1@5"
        " aborted_transactions:[producer_id:i64 first_offset:i64]? preferred_read_replica:i32=-1@11"
        " records:records?]]",
    ),
    Api(
        2, "ListOffsets", 1, 8, 6,
        "replica_id:i32 isolation_level:i8@2 topics:[name:string partitions:[index:i32"
        " current_leader_epoch:i32=-1@4 timestamp:i64]]",
        "throttle_time_ms:i32@2 topics:[name:string partitions:[index:i32 error_code:i16 timestamp:i64=-1"
        " offset:i64=-1 leader_epoch:i32=-1@4]]",
    ),
    Api(
        3, "Metadata", 0, 12, 9,
        "topics:[topic_id:uuid@10 name:string?]? allow_auto_topic_creation:bool=1@4"
        " include_cluster_operations:bool@8-10 include_topic_operations:bool@8",
        "throttle_time_ms:i32@3 brokers:[node_id:i32 host:string port:i32 rack:string?@1] cluster_id:string?@2"
        " controller_id:i32@1 topics:[error_code:i16 name:string? topic_id:uuid@10 is_internal:bool@1"
        " partitions:[error_code:i16 index:i32 leader_id:i32 leader_epoch:i32@7 replica_nodes:[i32]"
        f" isr_nodes:[i32] offline_replicas:[i32]@5] topic_operations:i32={_NO_OPERATIONS}@8]"
        f" cluster_operations:i32={_NO_OPERATIONS}@8-10",
    ),
    Api(
        8, "OffsetCommit", 2, 9, 8,
        "group_id:string generation_id:i32 member_id:string instance_id:string?@7 retention_time_ms:i64=-1@2-4"
        " topics:[name:string partitions:[index:i32 offset:i64 leader_epoch:i32=-1@6 metadata:string?]]",
        "throttle_time_ms:i32@3 topics:[name:string partitions:[index:i32 error_code:i16]]",
    ),
    Api(
        9, "OffsetFetch", 1, 9, 6,
        "group_id:string@0-7 topics:[name:string partitions:[i32]]?@0-7 groups:[group_id:string"
        " member_id:string?@9 member_epoch:i32=-1@9 topics:[name:string partitions:[i32]]?]@8 require_stable:bool@7",
        "throttle_time_ms:i32@3 topics:[name:string partitions:[index:i32 offset:i64 leader_epoch:i32=-1@5"
        " metadata:string? error_code:i16]]@0-7 error_code:i16@2-7 groups:[group_id:string topics:[name:string"
        " partitions:[index:i32 offset:i64 leader_epoch:i32=-1 metadata:string? error_code:i16]] error_code:i16]@8",
    ),
    Api(
        10, "FindCoordinator", 0, 5, 3,
        "key:string@0-3 key_type:i8@1 keys:[string]@4",
        "throttle_time_ms:i32@1 error_code:i16@0-3 error_message:string?@1-3 node_id:i32@0-3 host:string@0-3"
        " port:i32@0-3 coordinators:[key:string node_id:i32 host:string port:i32 error_code:i16"
        " error_message:string?]@4",
    ),
    Api(
        11, "JoinGroup", 0, 9, 6,
        "group_id:string session_timeout_ms:i32 rebalance_timeout_ms:i32=-1@1 member_id:string instance_id:string?@5"
        " protocol_type:string protocols:[name:string metadata:bytes] reason:string?@8",
        "throttle_time_ms:i32@2 error_code:i16 generation_id:i32=-1 protocol_type:string?@7 protocol_name:string?"
        " leader:string skip_assignment:bool@9 member_id:string members:[member_id:string instance_id:string?@5"
        " metadata:bytes]",
    ),
    Api(
        12, "Heartbeat", 0, 4, 4,
        "group_id:string generation_id:i32 member_id:string instance_id:string?@3",
        "throttle_time_ms:i32@1 error_code:i16",
    ),
    Api(
        13, "LeaveGroup", 0, 5, 4,
        "group_id:string member_id:string@0-2 members:[member_id:string instance_id:string? reason:string?@5]@3",
        "throttle_time_ms:i32@1 error_code:i16 members:[member_id:string instance_id:string? error_code:i16]@3",
    ),
    Api(
        14, "SyncGroup", 0, 5, 4,
        "group_id:string generation_id:i32 member_id:string instance_id:string?@3 protocol_type:string?@5"
        " protocol_name:string?@5 assignments:[member_id:string assignment:bytes]",
        "throttle_time_ms:i32@1 error_code:i16 protocol_type:string?@5 protocol_name:string?@5 assignment:bytes",
    ),
    Api(
        15, "DescribeGroups", 0, 5, 5,
        "groups:[string] include_operations:bool@3",
        "throttle_time_ms:i32@1 groups:[error_code:i16 group_id:string group_state:string protocol_type:string"
        " protocol_data:string members:[member_id:string instance_id:string?@4 client_id:string client_host:string"
        f" member_metadata:bytes member_assignment:bytes] operations:i32={_NO_OPERATIONS}@3]",
    ),
    Api(
        16, "ListGroups", 0, 5, 3,
        "states_filter:[string]@4 types_filter:[string]@5",
        "throttle_time_ms:i32@1 error_code:i16 groups:[group_id:string protocol_type:string group_state:string@4"
        " group_type:string@5]",
    ),
    Api(
        18, "ApiVersions", 0, 4, 3,
        "software_name:string@3 software_version:string@3",
        "error_code:i16 api_keys:[api_key:i16 first:i16 last:i16] throttle_time_ms:i32@1",
    ),
    Api(
        19, "CreateTopics", 2, 7, 5,
        "topics:[name:string partitions:i32 replication_factor:i16 assignments:[partition:i32 broker_ids:[i32]]"
        " configs:[name:string value:string?]] timeout_ms:i32 validate_only:bool",
        "throttle_time_ms:i32 topics:[name:string topic_id:uuid@7 error_code:i16 error_message:string?"
        " partitions:i32=-1@5 replication_factor:i16=-1@5 configs:[name:string value:string? read_only:bool"
        " source:i8=-1 is_sensitive:bool]?@5]",
    ),
    Api(
        20, "DeleteTopics", 1, 6, 4,
        "topics:[name:string? topic_id:uuid]@6 names:[string]@0-5 timeout_ms:i32",
        "throttle_time_ms:i32 topics:[name:string? topic_id:uuid@6 error_code:i16 error_message:string?@5]",
    ),
    Api(
        21, "DeleteRecords", 0, 2, 2,
        "topics:[name:string partitions:[index:i32 offset:i64]] timeout_ms:i32",
        "throttle_time_ms:i32 topics:[name:string partitions:[index:i32 low_watermark:i64=-1 error_code:i16]]",
    ),
    Api(
        22, "InitProducerId", 0, 4, 2,
        "transactional_id:string? transaction_timeout_ms:i32 producer_id:i64=-1@3 producer_epoch:i16=-1@3",
        "throttle_time_ms:i32 error_code:i16 producer_id:i64=-1 producer_epoch:i16=-1",
    ),
    Api(
        23, "OffsetForLeaderEpoch", 2, 4, 4,
        "replica_id:i32=-2@3 topics:[name:string partitions:[index:i32 current_leader_epoch:i32=-1"
        " leader_epoch:i32]]",
        "throttle_time_ms:i32 topics:[name:string partitions:[error_code:i16 index:i32 leader_epoch:i32=-1"
        " end_offset:i64=-1]]",
    ),
    Api(
        24, "AddPartitionsToTxn", 0, 3, 3,
        "transactional_id:string producer_id:i64 producer_epoch:i16 topics:[name:string partitions:[i32]]",
        "throttle_time_ms:i32 topics:[name:string partitions:[index:i32 error_code:i16]]",
    ),
    Api(
        25, "AddOffsetsToTxn", 0, 3, 3,
        "transactional_id:string producer_id:i64 producer_epoch:i16 group_id:string",
        "throttle_time_ms:i32 error_code:i16",
    ),
    Api(
        26, "EndTxn", 0, 3, 3,
        "transactional_id:string producer_id:i64 producer_epoch:i16 committed:bool",
        "throttle_time_ms:i32 error_code:i16",
    ),
    Api(
        28, "TxnOffsetCommit", 0, 3, 3,
        "transactional_id:string group_id:string producer_id:i64 producer_epoch:i16 generation_id:i32=-1@3"
        " member_id:string@3 instance_id:string?@3 topics:[name:string partitions:[index:i32 offset:i64"
        " leader_epoch:i32=-1@2 metadata:string?]]",
        "throttle_time_ms:i32 topics:[name:string partitions:[index:i32 error_code:i16]]",
    ),
    Api(
        32, "DescribeConfigs", 1, 4, 4,
        "resources:[type:i8 name:string keys:[string]?] include_synonyms:bool include_documentation:bool@3",
        "throttle_time_ms:i32 results:[error_code:i16 error_message:string? type:i8 name:string configs:[name:string"
        " value:string? read_only:bool source:i8=-1 is_sensitive:bool synonyms:[name:string value:string?"
        " source:i8] config_type:i8@3 documentation:string?@3]]",
    ),
    Api(
        33, "AlterConfigs", 0, 2, 2,
        "resources:[type:i8 name:string configs:[name:string value:string?]] validate_only:bool",
        "throttle_time_ms:i32 responses:[error_code:i16 error_message:string? type:i8 name:string]",
    ),
    Api(
        37, "CreatePartitions", 0, 3, 2,
        "topics:[name:string count:i32 assignments:[broker_ids:[i32]]?] timeout_ms:i32 validate_only:bool",
        "throttle_time_ms:i32 results:[name:string error_code:i16 error_message:string?]",
    ),
    Api(
        42, "DeleteGroups", 0, 2, 2,
        "groups:[string]",
        "throttle_time_ms:i32 results:[group_id:string error_code:i16]",
    ),
    Api(
        44, "IncrementalAlterConfigs", 0, 1, 1,
        "resources:[type:i8 name:string configs:[name:string operation:i8 value:string?]] validate_only:bool",
        "throttle_time_ms:i32 responses:[error_code:i16 error_message:string? type:i8 name:string]",
    ),
    Api(
        47, "OffsetDelete", 0, 0, 99,
        "group_id:string topics:[name:string partitions:[index:i32]]",
        "error_code:i16 throttle_time_ms:i32 topics:[name:string partitions:[index:i32 error_code:i16]]",
    ),
    Api(
        60, "DescribeCluster", 0, 1, 0,
        "include_operations:bool endpoint_type:i8=1@1",
        "throttle_time_ms:i32 error_code:i16 error_message:string? endpoint_type:i8=1@1 cluster_id:string"
        f" controller_id:i32 brokers:[node_id:i32 host:string port:i32 rack:string?] operations:i32={_NO_OPERATIONS}",
    ),
    Api(
        61, "DescribeProducers", 0, 0, 0,
        "topics:[name:string partitions:[i32]]",
        "throttle_time_ms:i32 topics:[name:string partitions:[index:i32 error_code:i16 error_message:string?"
        " producers:[producer_id:i64 producer_epoch:i32 last_sequence:i32=-1 last_timestamp:i64=-1"
        " coordinator_epoch:i32 transaction_start:i64=-1]]]",
    ),
    Api(
        65, "DescribeTransactions", 0, 0, 0,
        "ids:[string]",
        "throttle_time_ms:i32 transactions:[error_code:i16 id:string state:string timeout_ms:i32 started_ms:i64"
        " producer_id:i64 producer_epoch:i16 topics:[name:string partitions:[i32]]]",
    ),
    Api(
        66, "ListTransactions", 0, 1, 0,
        "state_filters:[string] producer_id_filters:[i64] duration_filter:i64=-1@1",
        "throttle_time_ms:i32 error_code:i16 unknown_state_filters:[string] transactions:[id:string"
        " producer_id:i64 state:string]",
    ),
    Api(
        # Only ever refused: a client that asks for the group protocol of KIP-848 has to learn that from an answer.
        68, "ConsumerGroupHeartbeat", 0, 1, 0,
        "group_id:string member_id:string member_epoch:i32 instance_id:string? rack_id:string?"
        " rebalance_timeout_ms:i32=-1 topic_names:[string]? topic_regex:string?@1 server_assignor:string?"
        " topic_partitions:[topic_id:uuid partitions:[i32]]?",
        # The assignment is a struct that may be null, which one byte says.
        "throttle_time_ms:i32 error_code:i16 error_message:string? member_id:string? member_epoch:i32=-1"
        " heartbeat_interval_ms:i32 no_assignment:i8=-1",
    ),
)  # fmt: skip
