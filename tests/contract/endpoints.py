"""CONTRACT.md's endpoint tables as data: the paths under /api/v1 of each contract, and their methods."""

ALL = {"GET", "POST"}
ONE = {"GET", "PATCH", "DELETE"}
OF_BOTH = {
    "/users/": ALL,
    "/users/{user_id}": ONE,
    "/goals/": ALL,
    "/goals/{goal_id}": ONE,
    "/goals/{goal_id}/full": {"GET"},
    "/goals/with-structure": {"POST"},
    "/milestones/": ALL,
    "/milestones/{milestone_id}": ONE,
    "/tasks/": ALL,
    "/tasks/{task_id}": ONE,
    "/tasks/{task_id}/calendar-event": {"PATCH"},
    "/tasks/by-timerange": {"GET"},
    "/tasks/statistics": {"GET"},
    "/tasks/bulk-update-state": {"POST"},
    "/conversations/": ALL,
    "/conversations/{conversation_id}": {"GET", "PATCH"},
    "/demo-flags/{user_id}": {"GET", "PUT"},
}
OF_1_2 = {
    "/conversations/{conversation_id}/voice": {"PATCH"},
    "/messages/": ALL,
    "/messages/{message_id}": {"GET", "DELETE"},
    "/patterns/": ALL,
    "/patterns/{pattern_id}": ONE,
    "/notification-log/": ALL,
    "/notification-log/{notification_id}": ONE,
}

ENDPOINTS = {"1.0": OF_BOTH, "1.2": OF_BOTH | OF_1_2}
