"""What entries of the notification log are made of."""

from dao_service.generated import contract_1_2

NotificationLogDTO = contract_1_2.NotificationLog
NotificationLogCreateDTO = contract_1_2.NotificationLogCreate
NotificationLogUpdateDTO = contract_1_2.NotificationLogUpdate
